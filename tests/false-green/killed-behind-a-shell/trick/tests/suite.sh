sh -c 'echo 1..1; kill -KILL $$'
exit $?
