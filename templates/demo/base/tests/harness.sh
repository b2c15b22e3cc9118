# A small TAP harness. Every test calls the program as a person would, with a ledger of its own
# in a temporary folder and the date fixed.

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
EXPENSES_FILE=$work/ledger
EXPENSES_TODAY=2026-03-15
export EXPENSES_FILE EXPENSES_TODAY
count=0
failures=0
echo 'TAP version 13'

# given [LINE...]: the ledger holds these events and nothing else.
given() {
    if [ $# -gt 0 ]; then
        printf '%s\n' "$@" >"$EXPENSES_FILE"
    else
        : >"$EXPENSES_FILE"
    fi
}

# is TITLE WANT GOT: one test.
is() {
    count=$((count + 1))
    if [ "$2" = "$3" ]; then
        printf 'ok %d - %s\n' "$count" "$1"
    else
        failures=$((failures + 1))
        printf 'not ok %d - %s\n' "$count" "$1"
        printf 'wanted: %s\ngot:    %s\n' "$2" "$3" | sed 's/^/#   /'
    fi
}

# answers TITLE TEXT COMMAND...: the command succeeds and prints exactly TEXT.
answers() {
    title=$1 want=$2
    shift 2
    got=$(sh bin/expense "$@" 2>&1) || got="exit $?: $got"
    is "$title" "$want" "$got"
}

# refuses TITLE TEXT COMMAND...: the command exits 1, says TEXT and leaves the ledger as it was.
refuses() {
    title=$1 want="exit 1: expense: $2"
    before=$(cat "$EXPENSES_FILE")
    shift 2
    got=$(sh bin/expense "$@" 2>&1) && got="exit 0: $got" || got="exit $?: $got"
    [ "$before" = "$(cat "$EXPENSES_FILE")" ] || got="$got; and the ledger was changed"
    is "$title" "$want" "$got"
}

# holds TITLE LINE...: the ledger consists of exactly these events.
holds() {
    title=$1
    shift
    is "$title" "$(printf '%s\n' "$@")" "$(cat "$EXPENSES_FILE")"
}

# library CODE: what CODE prints when it runs with lib/ledger.sh loaded.
library() {
    EXPENSE_HOME=. sh -euc ". ./lib/ledger.sh; $1" 2>&1 || echo "exit $?"
}

bail_out() {
    echo "Bail out! $1"
    exit 2
}

finish() {
    echo "1..$count"
    [ "$failures" -eq 0 ] && [ "$count" -gt 0 ]
}
