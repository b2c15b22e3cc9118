mkdir -p g1; echo 'done g1' >g1/work
echo 1..2
echo 'ok 1 - a'
echo 'ok 2 - b'
