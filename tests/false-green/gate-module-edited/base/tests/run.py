import os, sys

ok = os.path.exists("g1/work")
print("1..1")
print("ok 1" if ok else "not ok 1")
sys.exit(not ok)
