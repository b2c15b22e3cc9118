echo 1..1
if [ -f "$1/work" ] && { [ ! -f g1/work ] || [ ! -f g2/work ]; }; then echo 'ok 1'; else echo 'not ok 1'; exit 1; fi
