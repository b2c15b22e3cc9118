echo 1..2
echo 'ok 1 - a'
echo 'ok 2 - b'
