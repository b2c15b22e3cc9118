[ -f g1/work ] || exit 1
echo 1..1
echo 'ok 1'
