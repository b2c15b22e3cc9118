# Submitting an expense.

answers 'an expense gets the first number' 'submitted as number 1' \
    submit mara 42.50 travel 'Train to Bern'
answers 'and the next one the next' 'submitted as number 2' submit nils 7 office '5" envelopes, 50%'
answers 'cents are exact' 'submitted as number 3' submit nils 19.99 software 'Font licence'
answers 'the largest amount' 'submitted as number 4' submit petra 999999.99 training 'Academy'
holds 'they are in the ledger, in cents' \
    '2026-03-15|1|submitted|mara|4250|travel|Train to Bern' \
    '2026-03-15|2|submitted|nils|700|office|5" envelopes, 50%' \
    '2026-03-15|3|submitted|nils|1999|software|Font licence' \
    '2026-03-15|4|submitted|petra|99999999|training|Academy'

for amount in 0 0.00 -5 12.5 1,250.00 4e3 1000000.00 ten ''; do
    refuses "an amount of '$amount' is refused" "'$amount' is not an amount: write it like 42 or 42.50" \
        submit mara "$amount" meals Lunch
done
refuses 'a category that the company does not have' \
    "'yachts' is not a category; etc/categories lists them" submit mara 10 yachts Regatta
refuses 'part of a category' \
    "'travel.' is not a category; etc/categories lists them" submit mara 10 travel. Train
refuses 'no reason given' 'say what it was for' submit mara 10 meals ''
refuses 'a name that cannot be matched later' \
    "'Mara K' is not a short name: lower case letters only" submit 'Mara K' 10 meals Lunch
refuses 'nobody' "'' is not a short name: lower case letters only" submit '' 10 meals Lunch
refuses 'a note that would forge another field' "neither '|' nor line breaks can be recorded" \
    submit mara 10 meals 'Lunch|approved'
refuses 'a forgotten argument' 'usage: expense submit PERSON AMOUNT CATEGORY NOTE' \
    submit mara 10 meals
mkdir "$EXPENSES_FILE.lock"
refuses 'while somebody else records' \
    "the ledger is in use; if nobody uses it, remove $EXPENSES_FILE.lock" submit mara 10 meals Lunch
rmdir "$EXPENSES_FILE.lock"
