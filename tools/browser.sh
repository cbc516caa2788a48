#!/usr/bin/env bash
# Print the path of a Chromium that the browser tests can drive; install Debian's where that is possible.
#
#   tools/browser.sh              find one, or install one
#   tools/browser.sh --find-only  find one, or fail
#
# FIELDSHIFT_CHROMIUM names the browser to use and wins over everything else.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

what="Chromium"
advice=(
    "Install Chromium or Chrome, or name one: FIELDSHIFT_CHROMIUM=/path/to/chromium make test"
    "Without a browser, 'make test-fast' runs everything that needs none."
)
named=${FIELDSHIFT_CHROMIUM:-}
[ -z "$named" ] || [ -x "$named" ] || misnamed FIELDSHIFT_CHROMIUM "which cannot be run"

find_it() {
    if [ -n "$named" ]; then echo "$named"; return; fi
    first_program chromium chromium-browser google-chrome google-chrome-stable chrome \
        "/Applications/Chromium.app/Contents/MacOS/Chromium" \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
}

install_it() { packages chromium; }

found_or_installed "$@"
