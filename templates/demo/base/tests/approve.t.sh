# Approving and rejecting. Jonas may decide up to 500.00, Petra up to 5000.00 (etc/approvers).

given \
    '2026-03-02|1|submitted|mara|4250|travel|Train to Bern' \
    '2026-03-03|2|submitted|jonas|1800|meals|Lunch with the auditor' \
    '2026-03-04|3|submitted|nils|50000|training|Course, first part' \
    '2026-03-04|4|submitted|nils|50001|training|Course, second part' \
    '2026-03-09|5|submitted|mara|990|meals|Snacks for the weekend'

refuses 'nobody approves their own expense' 'jonas cannot decide an expense of their own' \
    approve 2 jonas
refuses 'nor rejects it' 'jonas cannot decide an expense of their own' reject 2 jonas 'changed my mind'
refuses 'only approvers decide' 'nils may not decide about 42.50' approve 1 nils
refuses 'one cent over the limit' 'jonas may not decide about 500.01' approve 4 jonas
refuses 'an expense that is not there' 'there is no expense 9' approve 9 petra
refuses 'a number that is written differently' 'there is no expense 01' approve 01 petra
refuses 'an approval by nobody' 'usage: expense approve NUMBER APPROVER' approve 1
refuses 'a rejection without a reason' 'usage: expense reject NUMBER APPROVER REASON' reject 5 jonas
refuses 'a rejection with an empty reason' 'say why it is rejected' reject 5 jonas ''
mkdir "$EXPENSES_FILE.lock"
refuses 'a decision while somebody else decides' \
    "the ledger is in use; if nobody uses it, remove $EXPENSES_FILE.lock" approve 1 jonas
rmdir "$EXPENSES_FILE.lock"

answers 'an approver approves' 'expense 1 is approved' approve 1 jonas
answers 'up to the limit' 'expense 3 is approved' approve 3 jonas
answers 'and another one above it' 'expense 4 is approved' approve 4 petra
answers 'or rejects, with a reason' 'expense 5 is rejected' reject 5 jonas 'not a company expense'
refuses 'what is approved is not approved again' 'expense 1 is already approved' approve 1 petra
refuses 'nor rejected afterwards' 'expense 1 is already approved' reject 1 petra 'too late'
holds 'every decision is one more event' \
    '2026-03-02|1|submitted|mara|4250|travel|Train to Bern' \
    '2026-03-03|2|submitted|jonas|1800|meals|Lunch with the auditor' \
    '2026-03-04|3|submitted|nils|50000|training|Course, first part' \
    '2026-03-04|4|submitted|nils|50001|training|Course, second part' \
    '2026-03-09|5|submitted|mara|990|meals|Snacks for the weekend' \
    '2026-03-15|1|approved|jonas|||' \
    '2026-03-15|3|approved|jonas|||' \
    '2026-03-15|4|approved|petra|||' \
    '2026-03-15|5|rejected|jonas|||not a company expense'
