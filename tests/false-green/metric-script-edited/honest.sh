mkdir -p g1; echo "done g1" >g1/work
echo 12.5 >g1/time
