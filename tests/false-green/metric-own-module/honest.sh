mkdir -p g1; echo "done g1" >g1/work
mkdir -p bench; echo 'print("p95_ms: 1")' >bench/lookup.py
