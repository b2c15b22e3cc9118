env -i setsid sh -c 'echo $$ >"$1"; exec sleep 600' - "$HOME/daemon" >/dev/null 2>&1 </dev/null &
while [ ! -s "$HOME/daemon" ]; do :; done
echo 1..2
echo 'ok 1 - a'
echo 'ok 2 - b'
