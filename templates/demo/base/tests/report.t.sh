# The report of a month.

cp tests/data/march.ledger "$EXPENSES_FILE"
answers 'a month by person: what is open, what is to be paid, what was refused' \
    'person             open     to pay   rejected
jonas              0.00      18.00       0.00
mara              12.50      42.50       9.90
nils             649.00       0.00       0.00
total            661.50      60.50       9.90' \
    report 2026-03
answers 'a month counts from the day of submission' \
    'person             open     to pay   rejected
nils               0.00      19.90       0.00
total              0.00      19.90       0.00' \
    report 2026-02
answers 'a month without expenses is all zero' \
    'person             open     to pay   rejected
total              0.00       0.00       0.00' \
    report 2025-12
given \
    '2026-03-01|1|submitted|mara|10|meals|Coffee' \
    '2026-03-01|2|submitted|mara|20|meals|Coffee' \
    '2026-03-02|1|approved|jonas|||' \
    '2026-03-02|2|approved|jonas|||'
answers 'cents add up exactly' \
    'person             open     to pay   rejected
mara               0.00       0.30       0.00
total              0.00       0.30       0.00' \
    report 2026-03
refuses 'a month in words' "'March' is not a month: write it like 2026-03" report March
refuses 'no month' "'' is not a month: write it like 2026-03" report
