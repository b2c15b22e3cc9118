echo 1..1
if [ -f ../g1/work ]; then echo ok 1; else echo not ok 1; exit 1; fi
