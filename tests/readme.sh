#!/bin/sh
# Runs what README.md tells people to paste (the `sh` blocks of "Use it"), in an empty folder.
#
#   sh tests/readme.sh PATH-OF-otto
set -eu
root=$(cd "${0%/*}/.." && pwd)
bin=$(cd "${1%/*}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk '
    /^## / { inside = ($0 == "## Use it") }
    /^```/ { on = (inside && $0 == "```sh"); next }
    on
' "$root/README.md" >"$work/script"
[ -s "$work/script" ] || { echo "README.md has no script under 'Use it'" >&2; exit 1; }
mkdir "$work/home" "$work/here"
cd "$work/here"
# The last stage of the pipe passes a failure of the others on.
if ! env -i PATH="$bin:$PATH" HOME="$work/home" GIT_PAGER=cat GIT_CEILING_DIRECTORIES="$work" \
    GIT_AUTHOR_NAME=Me GIT_AUTHOR_EMAIL=me@localhost \
    GIT_COMMITTER_NAME=Me GIT_COMMITTER_EMAIL=me@localhost \
    sh -eu "$work/script" >"$work/out" 2>&1; then
    cat "$work/out"
    echo "what README.md says does not work" >&2
    exit 1
fi
[ "$(cd greeter && ./bye.sh Ada)" = "Hello, Ada.
Bye, Ada." ] || { cat "$work/out"; echo "README.md ends without the product" >&2; exit 1; }
echo "README.md works"
