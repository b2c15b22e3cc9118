mkdir -p g1; echo "done g1" >g1/work
echo 'ignore_errors = True' >>conf/mypy.ini
