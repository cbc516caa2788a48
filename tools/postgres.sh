#!/usr/bin/env bash
# Print the folder of PostgreSQL's server programs (initdb, postgres); install Debian's where that is possible.
#
#   tools/postgres.sh              find them, or install them
#   tools/postgres.sh --find-only  find them, or fail
#
# FIELDSHIFT_POSTGRES_BIN names the folder to use and wins over everything else. No server is started.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

what="PostgreSQL"
advice=(
    "Install PostgreSQL, or name its programs: FIELDSHIFT_POSTGRES_BIN=/path/to/bin make test"
    "Without it, 'make test-fast' runs everything that needs none."
)
both() { [ -x "$1/initdb" ] && [ -x "$1/postgres" ]; }
named=${FIELDSHIFT_POSTGRES_BIN:-}
[ -z "$named" ] || both "$named" || misnamed FIELDSHIFT_POSTGRES_BIN "which has no initdb and postgres"

find_it() {
    if [ -n "$named" ]; then echo "$named"; return; fi
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

# postgresql-common would make a cluster and start it: only the programs are wanted.
install_it() {
    packages postgresql-common &&
        as_root mkdir -p /etc/postgresql-common/createcluster.d &&
        echo "create_main_cluster = false" | as_root tee /etc/postgresql-common/createcluster.d/fieldshift.conf &&
        packages postgresql
}

found_or_installed "$@"
