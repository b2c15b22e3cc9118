[ -f g1/work ]
