mkdir -p g1; echo "done g1" >g1/work
env -i setsid sh -c 'echo $$ >"$1"; exec sleep 600' - "$HOME/daemon" >/dev/null 2>&1 </dev/null &
while [ ! -s "$HOME/daemon" ]; do :; done
