#!/usr/bin/env bash
# Print the path of a Chromium that the browser tests can drive; install Debian's where that is possible.
#
#   tools/browser.sh              find one, or install one
#   tools/browser.sh --find-only  find one, or fail
#
# FIELDSHIFT_CHROMIUM names the browser to use and wins over everything else.
set -euo pipefail

find_browser() {
    if [ -n "${FIELDSHIFT_CHROMIUM:-}" ]; then
        if [ ! -x "$FIELDSHIFT_CHROMIUM" ]; then
            echo "browser.sh: FIELDSHIFT_CHROMIUM is '$FIELDSHIFT_CHROMIUM', which cannot be run." >&2
            exit 1
        fi
        echo "$FIELDSHIFT_CHROMIUM"
        return
    fi
    local name
    for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
        if command -v "$name"; then return; fi
    done
    for name in "/Applications/Chromium.app/Contents/MacOS/Chromium" \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        if [ -x "$name" ]; then echo "$name"; return; fi
    done
    return 1
}

refuse() {
    echo "browser.sh: $1" >&2
    echo "  Install Chromium or Chrome, or name one: FIELDSHIFT_CHROMIUM=/path/to/chromium make test" >&2
    echo "  Without a browser, 'make test-fast' runs everything that needs none." >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

if browser=$(find_browser); then
    echo "$browser"
    exit 0
elif [ -n "${FIELDSHIFT_CHROMIUM:-}" ]; then
    exit 1
fi

[ "${1:-}" != "--find-only" ] || refuse "no Chromium was found."
command -v apt-get >/dev/null || refuse "no Chromium was found, and there is no apt-get to install one."
as_root true 2>/dev/null || refuse "no Chromium was found, and installing one needs root."

echo "browser.sh: installing chromium (once)" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { as_root apt-get update -q && as_root apt-get install -qy --no-install-recommends chromium; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    refuse "apt-get could not install chromium."
fi
find_browser || refuse "chromium was installed but cannot be found."
