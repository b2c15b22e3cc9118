grep -qs two g1/work
