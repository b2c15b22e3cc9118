# The ledger: storage, `expense list` and `expense history`.

answers 'a new ledger has no expenses' '' list
is 'the first expense is number 1' 1 "$(library ledger_next_number)"

library 'ledger_append 1 submitted mara 4250 travel "Train to Zürich, 2nd class"' >/dev/null
library 'ledger_append 2 submitted nils 999 office "100% \"recycled\" paper"' >/dev/null
library 'ledger_append 1 approved jonas "" "" ""' >/dev/null
holds 'events are added one a line, with the date' \
    '2026-03-15|1|submitted|mara|4250|travel|Train to Zürich, 2nd class' \
    '2026-03-15|2|submitted|nils|999|office|100% "recycled" paper' \
    '2026-03-15|1|approved|jonas|||'
is 'numbers go on with every expense, not with every event' 3 "$(library ledger_next_number)"

is 'an expense is shown as its events left it' \
    '1|approved|2026-03-15|mara|4250|travel|Train to Zürich, 2nd class|jonas
2|submitted|2026-03-15|nils|999|office|100% "recycled" paper|nils' \
    "$(library ledger_expenses)"

given '2026-03-02|1|submitted|mara|4250|travel|Train to Bern'
is 'the separator cannot be recorded' \
    "expense: neither '|' nor line breaks can be recorded
exit 1" \
    "$(library 'ledger_append 2 submitted mara 100 meals "a|b"')"
is 'nor can a line break' \
    "expense: neither '|' nor line breaks can be recorded
exit 1" \
    "$(library 'ledger_append 2 submitted mara 100 meals "a
2026-03-15|1|approved|mara|||"')"
holds 'and nothing was written' '2026-03-02|1|submitted|mara|4250|travel|Train to Bern'

is 'whoever holds the ledger lets go at the end' 'done
done' "$(library 'ledger_lock; echo done'; library 'ledger_lock; echo done')"
mkdir "$EXPENSES_FILE.lock"
is 'one at a time: the second is told why' \
    "expense: the ledger is in use; if nobody uses it, remove $EXPENSES_FILE.lock
exit 1" \
    "$(library 'ledger_lock; echo went on')"
rmdir "$EXPENSES_FILE.lock"

is 'a month is a year and a month' 'ok' "$(library 'check_month 2026-03; echo ok')"
is 'anything else is not' "expense: 'March' is not a month: write it like 2026-03
exit 1" "$(library 'check_month March; echo ok')"

cp tests/data/march.ledger "$EXPENSES_FILE"
answers 'the list shows every expense with its state' \
    '   1  2026-02-26  approved   nils            19.90  office     Printer paper
   2  2026-03-02  approved   mara            42.50  travel     Train to Bern
   3  2026-03-03  approved   jonas           18.00  meals      Lunch with the auditor
   4  2026-03-09  rejected   mara             9.90  meals      Snacks for the weekend
   5  2026-03-12  submitted  nils           649.00  training   Course on tax law
   6  2026-03-14  submitted  mara            12.50  office     Whiteboard pens' \
    list
answers 'or those in one state' \
    '   4  2026-03-09  rejected   mara             9.90  meals      Snacks for the weekend' \
    list rejected
refuses 'a state that does not exist is not an empty list' \
    "'aproved' is not a state: submitted, approved or rejected" list aproved
answers 'the history of an expense names everybody who touched it' \
    '2026-03-09 submitted by mara: Snacks for the weekend
2026-03-10 rejected by jonas: not a company expense' \
    history 4
answers 'an approval needs no words' \
    '2026-03-02 submitted by mara: Train to Bern
2026-03-03 approved by jonas' \
    history 2
refuses 'an expense that is not there has no history' 'there is no expense 7' history 7
