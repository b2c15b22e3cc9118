#!/bin/sh
# Checks that what the documentation points to is there: relative links, and the names of tests.
#
#   sh tests/docs.sh
set -u
cd "${0%/*}/.." || exit 1
bad=0
complain() {
    echo "$1" >&2
    bad=1
}

for page in ./README.md docs/*.md docs/decisions/*.md; do
    for link in $(grep -o '](\([^)#]*\)' "$page" | sed 's/^](//' | grep -v '^[a-z]*:'); do
        [ -e "${page%/*}/$link" ] || complain "$page: no '$link'"
    done
done

# `it::merge::some_name` and `spec::amend::tests::some_name` are tests with those names.
for name in $(grep '^  Tests: ' docs/architecture.md | grep -o '`[a-z_0-9:]*`' | tr -d '`'); do
    test=${name##*::}
    case $name in
    it::*) place=tests/$(echo "${name%::*}" | sed 's|::|/|g') ;;
    *) place=src/$(echo "${name%::*}" | sed 's|::tests$||; s|::|/|g') ;;
    esac
    grep -rqs "fn $test(" "$place" "$place.rs" "$place/" || complain "no test '$name'"
done
[ "$bad" -ne 0 ] || echo "links and names of tests hold"
exit $bad
