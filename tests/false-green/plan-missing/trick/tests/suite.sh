echo 'ok 1 - a'
echo 'ok 2 - b'
