#!/usr/bin/env bash
# Print the path of a LibreOffice that the office tests can drive; install Debian's Calc where that is possible.
#
#   tools/office.sh              find one, or install one
#   tools/office.sh --find-only  find one, or fail
#
# FIELDSHIFT_SOFFICE names the program to use and wins over everything else.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

what="LibreOffice"
advice=(
    "Install LibreOffice Calc, or name its program: FIELDSHIFT_SOFFICE=/path/to/soffice make test"
    "Without it, 'make test-fast' runs everything that needs none."
)
named=${FIELDSHIFT_SOFFICE:-}
[ -z "$named" ] || [ -x "$named" ] || misnamed FIELDSHIFT_SOFFICE "which cannot be run"

find_it() {
    if [ -n "$named" ]; then echo "$named"; return; fi
    first_program soffice libreoffice /usr/lib/libreoffice/program/soffice \
        /Applications/LibreOffice.app/Contents/MacOS/soffice
}

# The build without windows is the smallest that recalculates, converts and prints.
install_it() { packages libreoffice-calc-nogui; }

found_or_installed "$@"
