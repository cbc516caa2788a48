#!/usr/bin/env bash
# Print the folder of PostgreSQL's server programs (initdb, postgres); install Debian's where that is possible.
#
#   tools/postgres.sh              find them, or install them
#   tools/postgres.sh --find-only  find them, or fail
#
# FIELDSHIFT_POSTGRES_BIN names the folder to use and wins over everything else. No server is started.
set -euo pipefail

both() {
    [ -x "$1/initdb" ] && [ -x "$1/postgres" ]
}

find_programs() {
    if [ -n "${FIELDSHIFT_POSTGRES_BIN:-}" ]; then
        if ! both "$FIELDSHIFT_POSTGRES_BIN"; then
            echo "postgres.sh: FIELDSHIFT_POSTGRES_BIN is '$FIELDSHIFT_POSTGRES_BIN', which has no initdb and postgres." >&2
            exit 1
        fi
        echo "$FIELDSHIFT_POSTGRES_BIN"
        return
    fi
    local folder
    for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV); do
        if both "$folder"; then echo "$folder"; return; fi
    done
    if folder=$(command -v initdb) && folder=$(dirname "$folder") && both "$folder"; then echo "$folder"; return; fi
    for folder in /usr/local/pgsql/bin /usr/local/opt/postgresql*/bin \
        /Applications/Postgres.app/Contents/Versions/latest/bin; do
        if both "$folder"; then echo "$folder"; return; fi
    done
    return 1
}

refuse() {
    echo "postgres.sh: $1" >&2
    echo "  Install PostgreSQL, or name its programs: FIELDSHIFT_POSTGRES_BIN=/path/to/bin make test" >&2
    echo "  Without it, 'make test-fast' runs everything that needs none." >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

if programs=$(find_programs); then
    echo "$programs"
    exit 0
elif [ -n "${FIELDSHIFT_POSTGRES_BIN:-}" ]; then
    exit 1
fi

[ "${1:-}" != "--find-only" ] || refuse "PostgreSQL's server programs were not found."
command -v apt-get >/dev/null || refuse "PostgreSQL was not found, and there is no apt-get to install it."
as_root true 2>/dev/null || refuse "PostgreSQL was not found, and installing it needs root."

echo "postgres.sh: installing postgresql (once)" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# postgresql-common would make a cluster and start it: only the programs are wanted.
if ! {
    as_root apt-get update -q && as_root apt-get install -qy --no-install-recommends postgresql-common &&
        as_root mkdir -p /etc/postgresql-common/createcluster.d &&
        echo "create_main_cluster = false" | as_root tee /etc/postgresql-common/createcluster.d/fieldshift.conf &&
        as_root apt-get install -qy --no-install-recommends postgresql
} >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    refuse "apt-get could not install postgresql."
fi
find_programs || refuse "postgresql was installed but its programs cannot be found."
