echo 1..1
if python3 tests/ask.py; then echo "ok 1 - it sums"; else echo "not ok 1 - it does not"; exit 1; fi
