#!/usr/bin/env bash
# Print the path of a LibreOffice that the office tests can drive; install Debian's Calc where that is possible.
#
#   tools/office.sh              find one, or install one
#   tools/office.sh --find-only  find one, or fail
#
# FIELDSHIFT_SOFFICE names the program to use and wins over everything else.
set -euo pipefail

find_office() {
    if [ -n "${FIELDSHIFT_SOFFICE:-}" ]; then
        if [ ! -x "$FIELDSHIFT_SOFFICE" ]; then
            echo "office.sh: FIELDSHIFT_SOFFICE is '$FIELDSHIFT_SOFFICE', which cannot be run." >&2
            exit 1
        fi
        echo "$FIELDSHIFT_SOFFICE"
        return
    fi
    local name
    for name in soffice libreoffice; do
        if command -v "$name"; then return; fi
    done
    for name in /usr/lib/libreoffice/program/soffice /Applications/LibreOffice.app/Contents/MacOS/soffice; do
        if [ -x "$name" ]; then echo "$name"; return; fi
    done
    return 1
}

refuse() {
    echo "office.sh: $1" >&2
    echo "  Install LibreOffice Calc, or name its program: FIELDSHIFT_SOFFICE=/path/to/soffice make test" >&2
    echo "  Without it, 'make test-fast' runs everything that needs none." >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

if office=$(find_office); then
    echo "$office"
    exit 0
elif [ -n "${FIELDSHIFT_SOFFICE:-}" ]; then
    exit 1
fi

[ "${1:-}" != "--find-only" ] || refuse "no LibreOffice was found."
command -v apt-get >/dev/null || refuse "no LibreOffice was found, and there is no apt-get to install one."
as_root true 2>/dev/null || refuse "no LibreOffice was found, and installing one needs root."

# The build without windows is the smallest that recalculates, converts and prints.
package=libreoffice-calc-nogui
echo "office.sh: installing $package (once)" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { as_root apt-get update -q && as_root apt-get install -qy --no-install-recommends "$package"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    refuse "apt-get could not install $package."
fi
find_office || refuse "$package was installed but cannot be found."
