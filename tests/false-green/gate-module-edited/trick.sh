mkdir -p g1; echo "done g1" >g1/work
printf 'print("1..1\\nok 1")\n' >tests/run.py
