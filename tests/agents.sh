#!/bin/sh
# The tests that need the real agents: installs the pinned versions from the npm registry into a
# cache (760 MB, once), and runs `agents::` of the integration suite with them, where it can in a
# network namespace that has nothing but loopback. No model is asked: the tests bring a fake one.
#
#   sh tests/agents.sh             CI set: what is missing is an error, else it is skipped and said
#   sh tests/agents.sh --install   only installs, and prints the folder
set -eu
cd "$(dirname "$0")/.."

CLAUDE=2.1.329
CODEX=0.169.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/otto/agents
place=$cache/claude-$CLAUDE-codex-$CODEX

# What cannot be had: an error where everything must run.
skip() {
    echo "skipped: the tests with the real claude and codex: $1" >&2
    [ -z "${CI:-}" ] || exit 1
    exit 0
}

version() { "$1" --version 2>/dev/null </dev/null || true; }

works() {
    case $(version "$1/claude") in "$CLAUDE "*) ;; *) return 1 ;; esac
    case $(version "$1/codex") in *" $CODEX") ;; *) return 1 ;; esac
}

# The native programs are called by themselves: node takes part in the installation only.
link() {
    for name in claude codex; do
        case $name in
            claude) pattern='*/claude-code/bin/claude*' ;;
            codex) pattern='*/vendor/*/bin/codex' ;;
        esac
        found=$(find "$1/node_modules" -type f -path "$pattern" | head -n 1)
        [ -n "$found" ] || return 1
        ln -s "${found#"$1"/}" "$1/$name"
    done
}

install() {
    command -v npm >/dev/null || skip "npm is missing (Debian: apt install npm)"
    mkdir -p "$cache"
    new=$(mktemp -d "$cache/new.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    trap 'exit 1' HUP INT TERM
    echo "installing claude $CLAUDE and codex $CODEX into $place" >&2
    if ! npm install --prefix "$new" --no-audit --no-fund --no-progress --loglevel=error \
        "@anthropic-ai/claude-code@$CLAUDE" "@openai/codex@$CODEX" >"$new/npm.log" 2>&1; then
        cat "$new/npm.log" >&2
        skip "npm could not install them"
    fi
    link "$new" && works "$new" || { cat "$new/npm.log" >&2; skip "what npm installed does not start"; }
    # Whoever comes second at the same time uses what the first has put there.
    [ ! -e "$place" ] || works "$place" || rm -rf "$place"
    mv -T "$new" "$place" 2>/dev/null || works "$place" || skip "$place cannot be made"
    rm -rf "$new"
    trap - EXIT
}

[ "$(uname -s)" = Linux ] || skip "they are tried on Linux only"
works "$place" || install
[ "${1:-}" != --install ] || { echo "$place"; exit 0; }

# Compiled outside, where the network still is.
cargo test --locked --no-run --test it
export OTTO_AGENTS="$place"
set -- cargo test --locked --offline --test it -- agents::

up='ip link set lo up && exec "$@"'
for how in "unshare -n" "unshare -rn"; do
    $how sh -c 'ip link set lo up' 2>/dev/null || continue
    OTTO_AGENTS_NETWORK=loopback exec $how sh -c "$up" sh "$@"
done
echo "agents: no network namespace can be made here: the agents can reach the network" >&2
exec "$@"
