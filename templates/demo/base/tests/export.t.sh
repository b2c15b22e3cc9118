# The export for the accountant, from expenses that went through the program.

sh bin/expense submit mara 42.50 travel 'Train, "Halbtax", Bern' >/dev/null
sh bin/expense submit jonas 18 meals '=SUM(A1:A9)' >/dev/null
sh bin/expense submit nils 649.00 training 'Course on tax law' >/dev/null
sh bin/expense submit mara 9.90 meals 'Snacks' >/dev/null
sh bin/expense approve 1 jonas >/dev/null
sh bin/expense approve 2 petra >/dev/null
sh bin/expense reject 4 jonas 'not a company expense' >/dev/null
answers 'approved expenses only, quoted, and no note is a formula' \
    'number,date,person,amount,category,note,approved_by
1,2026-03-15,mara,42.50,travel,"Train, ""Halbtax"", Bern",jonas
2,2026-03-15,jonas,18.00,meals,"'\''=SUM(A1:A9)",petra' \
    export 2026-03
answers 'another month has only the heading' \
    'number,date,person,amount,category,note,approved_by' export 2026-04
refuses 'a month in words' "'March' is not a month: write it like 2026-03" export March
refuses 'no month' "'' is not a month: write it like 2026-03" export
