printf '1..2\nok 1 - a\n'
