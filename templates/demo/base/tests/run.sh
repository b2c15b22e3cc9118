#!/bin/sh
# Runs the acceptance tests and prints TAP: `sh tests/run.sh [NAME...]`, all without a name.
set -u
cd "${0%/*}/.." || exit 2
. tests/harness.sh

[ $# -gt 0 ] || set -- usage ledger submit approve report export
for name in "$@"; do
    [ -r "tests/$name.t.sh" ] || bail_out "there are no tests called '$name'"
    given
    echo "# $name"
    . "tests/$name.t.sh"
done
finish
