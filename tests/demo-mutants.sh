#!/bin/sh
# Proves that the content of `otto demo` is what the demo relies on:
#
#   sh tests/demo-mutants.sh [templates/demo]
#
# 1. The recording tells its story: every group's tests fail before its work and pass after it with
#    nothing but its dependencies present; `report/01` fails, `approve/01` writes outside its paths;
#    exactly the scenario `rejected-stays-rejected` fails until the repair.
# 2. Every line matters: whichever line of code of a landing turn, or of the final product, is
#    replaced by `:`, some test, the month-end journey or a scenario fails, or a later turn no
#    longer applies. `otto demo --tamper` does the same to one line at random.
#
# Needs git, sh and the usual text tools. Exit 0: all holds; 1: what does not is printed.
set -u
LC_ALL=C
export LC_ALL
demo=$(cd "${1:-${0%/*}/../templates/demo}" && pwd) || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
GIT_CEILING_DIRECTORIES=$work
export GIT_CEILING_DIRECTORIES
turns='build/ledger/01 build/submit/01 build/approve/01 build/approve/02 build/report/01
build/report/02 build/export/01 fix/approve/01'
landing='build/ledger/01 build/submit/01 build/approve/02 build/report/02 build/export/01
fix/approve/01'
bad=0

complain() {
    echo "$1"
    bad=1
}

# holds WHAT COMMAND... and fails WHAT COMMAND...: one statement about the recording.
holds() {
    what=$1
    shift
    "$@" || complain "does not hold: $what"
}
fails() {
    what=$1
    shift
    ! "$@" || complain "should fail but does not: $what"
}

# play TREE PATCH: the turn is applied to the tree.
play() { (cd "$1" && git apply "$2" 2>/dev/null); }
patch_of() { echo "$demo/recording/$1/changes.patch"; }

# The value of the first JSON string in the lines of standard input, decoded.
json_string() {
    awk '
        NR == 1 {
            sub(/^[ ]*("[a-z_]*": )?"/, ""); sub(/",?$/, "")
            for (i = 1; i <= length($0); i++) {
                c = substr($0, i, 1)
                if (c == "\\") {
                    c = substr($0, ++i, 1)
                    if (c == "n") c = "\n"
                    if (c == "t") c = "\t"
                }
                printf "%s", c
            }
        }
    '
}

# Scripts and answers of the scenarios and of the journey, taken out of the JSON once.
for file in "$demo"/scenarios/*.json; do
    id=${file##*/}
    id=$work/scenario.${id%.json}
    sed -n '/"-c",/{n;p;}' "$file" | json_string >"$id.sh"
    { grep '"equals"' "$file" | json_string; echo; } >"$id.want"
    [ -s "$id.sh" ] || complain "no script in $file"
done
grep '"equals": "submitted' "$demo/recording/spec/_/02/answer.json" | json_string >"$work/month-end"
echo >>"$work/month-end"

tests() { (cd "$1" && shift && timeout 10 sh tests/run.sh "$@" </dev/null >/dev/null 2>&1); }
month_end() {
    (cd "$1" && timeout 10 sh tests/month-end.sh </dev/null 2>&1) | cmp -s - "$work/month-end"
}
scenario() {
    script=$(cat "$work/scenario.$2.sh")
    (cd "$1" && EXPENSES_TODAY=2026-05-20 timeout 10 sh -c "$script" </dev/null 2>&1) |
        cmp -s - "$work/scenario.$2.want"
}
scenarios() {
    for want in "$work"/scenario.*.want; do
        id=${want##*/scenario.}
        scenario "$1" "${id%.want}" || return 1
    done
}
# judged TREE GROUP: everything passes; the group's own tests first, since they find most.
judged() {
    tests "$1" "$2" && tests "$1" && month_end "$1" && scenarios "$1"
}

# alone GROUP DEPENDENCY...: the group's tests, with only its dependencies there.
alone() {
    group=$1
    shift
    rm -rf "$work/tree"
    cp -R "$demo/base" "$work/tree"
    for turn in $turns; do
        case " $* " in
        *" $(expr "$turn" : 'build/\(.*\)/') "*) play "$work/tree" "$(patch_of "$turn")" ;;
        esac
    done
    fails "the tests of $group before its work" tests "$work/tree" "$group"
    for turn in $turns; do
        case $turn in
        "build/$group/"*)
            holds "$turn applies" play "$work/tree" "$(patch_of "$turn")"
            [ "$turn" != build/report/01 ] || fails "$turn" tests "$work/tree" report
            ;;
        esac
    done
    holds "the tests of $group after its work" tests "$work/tree" "$group"
    holds "the usage tests after $group" tests "$work/tree" usage
}
tests "$demo/base" usage || complain 'the usage tests fail on the base'
alone ledger
alone submit ledger
alone approve ledger
alone report ledger
alone export ledger submit approve
grep -q '^+++ b/lib/ledger.sh' "$(patch_of build/approve/01)" ||
    complain 'build/approve/01 stays inside its paths'

# The product, with the tree before each turn kept.
cp -R "$demo/base" "$work/tree.next"
for turn in $turns; do
    before=$work/before.$(echo "$turn" | tr / .)
    mv "$work/tree.next" "$before"
    cp -R "$before" "$work/tree.next"
    holds "$turn applies in the order of landing" play "$work/tree.next" "$(patch_of "$turn")"
done
final=$work/tree.next
unfixed=$work/before.fix.approve.01
holds 'all tests before the repair' tests "$unfixed"
holds 'the journey before the repair' month_end "$unfixed"
for want in "$work"/scenario.*.want; do
    id=${want##*/scenario.}
    id=${id%.want}
    case $id in
    rejected-stays-rejected) fails "scenario $id before the repair" scenario "$unfixed" "$id" ;;
    *) holds "scenario $id before the repair" scenario "$unfixed" "$id" ;;
    esac
done
holds 'everything after the repair' judged "$final" usage
(cd "$unfixed" && cmp -s lib/ledger.sh "$final/lib/ledger.sh") || complain 'approve left its edit'
[ "$bad" -eq 0 ] || exit 1

# The numbers of the lines of code: of a patch (added ones) or of a file.
added_code() { awk '/^\+[^+]/ && !/^\+[ \t]*(#|$)/ { print NR }' "$1"; }
file_code() { awk '!/^[ \t]*(#|$)/ { print NR }' "$1"; }
# blanked FILE LINE SIGN: the file with that line's code replaced by `:`.
blanked() {
    awk -v line="$2" -v sign="$3" '
        NR == line { match($0, "^" (sign == "" ? "" : "[+]") "[ \t]*"); $0 = substr($0, 1, RLENGTH) ":" }
        { print }
    ' "$1"
}
# group_of FILE: whose tests are likely to find a fault there.
group_of() {
    case $1 in
    *submit*) echo submit ;;
    *report*) echo report ;;
    *export*) echo export ;;
    *approve* | *reject* | *decide*) echo approve ;;
    *) echo ledger ;;
    esac
}

mutants=0
survivor() { complain "survives: $1 line $2: $(sed -n "$2p" "$3")"; }

for turn in $landing; do
    patch=$(patch_of "$turn")
    for line in $(added_code "$patch"); do
        mutants=$((mutants + 1))
        blanked "$patch" "$line" + >"$work/mutant.patch"
        rm -rf "$work/tree"
        cp -R "$work/before.$(echo "$turn" | tr / .)" "$work/tree"
        reached=no
        applied=yes
        for next in $turns; do
            if [ "$next" = "$turn" ]; then
                reached=yes
                play "$work/tree" "$work/mutant.patch" || complain "no patch: $turn line $line"
            elif [ "$reached" = yes ]; then
                play "$work/tree" "$(patch_of "$next")" || applied=no
            fi
        done
        [ "$applied" = yes ] || continue
        ! judged "$work/tree" "$(group_of "$turn")" || survivor "$turn" "$line" "$patch"
    done
done

rm -rf "$work/tree"
cp -R "$final" "$work/tree"
for file in "$final"/lib/*; do
    name=lib/${file##*/}
    for line in $(file_code "$file"); do
        mutants=$((mutants + 1))
        blanked "$file" "$line" '' >"$work/tree/$name"
        ! judged "$work/tree" "$(group_of "$name")" || survivor "$name" "$line" "$file"
    done
    cp "$file" "$work/tree/$name"
done

[ "$bad" -ne 0 ] || echo "$mutants mutants, none survives"
exit "$bad"
