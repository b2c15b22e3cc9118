mkdir -p g1; echo 'done g1' >g1/work
exec sh tests/check.sh g1
