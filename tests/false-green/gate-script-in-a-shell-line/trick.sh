mkdir -p g1; echo "done g1" >g1/work
echo 'echo 1..1; echo ok 1' >tests/run.sh
