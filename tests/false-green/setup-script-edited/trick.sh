mkdir -p g1; echo "done g1" >g1/work
echo 'mkdir -p deps; echo fake >deps/tool' >setup.sh
