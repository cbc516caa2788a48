# What the scripts beside this one have in common; it is read by them, not run.
#
# A script sets `advice` (what a reader can do instead, a line each) and `what` (what is looked for), defines `find_it`
# (print it, or fail) and `install_it` (with as_root and apt-get), and then calls `found_or_installed "$@"`.

# Say why it cannot be, and what to do instead.
refuse() {
    echo "$(basename "$0"): $1" >&2
    printf '  %s\n' "${advice[@]}" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

packages() {
    as_root apt-get install -qy --no-install-recommends "$@"
}

# Print the first of some programs that can be run: a name to be looked up, or a path.
first_program() {
    local name
    for name in "$@"; do
        if command -v "$name"; then return; fi
    done
    return 1
}

# Refuse a named program that is not there. NAME is the variable that names it, WHY what is wrong with it.
misnamed() {
    echo "$(basename "$0"): $1 is '${!1}', $2." >&2
    exit 1
}

found_or_installed() {
    local found log
    if found=$(find_it); then
        echo "$found"
        return
    fi
    [ "${1:-}" != "--find-only" ] || refuse "no $what was found."
    command -v apt-get >/dev/null || refuse "no $what was found, and there is no apt-get to install one."
    as_root true 2>/dev/null || refuse "no $what was found, and installing one needs root."
    echo "$(basename "$0"): installing $what (once)" >&2
    log=$(mktemp)
    trap "rm -f '$log'" EXIT
    export DEBIAN_FRONTEND=noninteractive
    if ! { as_root apt-get update -q && install_it; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        refuse "apt-get could not install $what."
    fi
    find_it || refuse "$what was installed but cannot be found."
}
