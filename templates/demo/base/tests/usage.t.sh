# What the program says before any command: must hold at every state of the product.

got=$(sh bin/expense 2>&1) && status=0 || status=$?
is 'without a command it exits 2' 2 "$status"
is 'and shows how it is used' 'usage: expense COMMAND [ARGUMENT...]' "${got%%
*}"

got=$(sh bin/expense aprove 1 petra 2>&1) && status=0 || status=$?
is 'an unknown command exits 2' 2 "$status"
is 'and is named' "expense: there is no command 'aprove'" "${got%%
*}"

got=$(sh bin/expense help) && status=0 || status=$?
is 'help is not an error' 0 "$status"
