printf '\033[32m\342\234\223 12 passed\033[0m\n'
