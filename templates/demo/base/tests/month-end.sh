#!/bin/sh
# A month from the first receipt to the accountant's file, through the program alone. What it
# prints is compared as a whole.
set -u
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
EXPENSES_FILE=$work/ledger
export EXPENSES_FILE

on() {
    EXPENSES_TODAY=$1
    export EXPENSES_TODAY
    shift
    sh bin/expense "$@"
}

on 2026-04-02 submit mara 128.40 travel 'Night train to Zürich' || exit
on 2026-04-07 submit jonas 36.00 meals 'Dinner with the bank' || exit
on 2026-04-09 submit nils 1490.00 software 'CAD licence, one year' || exit
on 2026-04-10 submit mara 15.00 office 'Plant for the lobby' || exit
on 2026-04-14 approve 1 jonas || exit
on 2026-04-14 approve 2 petra || exit
on 2026-04-14 reject 4 jonas 'ask the landlord first' || exit
on 2026-04-30 list submitted || exit
on 2026-04-30 report 2026-04 || exit
on 2026-04-30 export 2026-04
