[ -f g1/work ] || exit 1
rm -f "$HOME/daemon"
env -i setsid sh -c 'echo $$ >"$1"; exec sleep 600' - "$HOME/daemon" >/dev/null 2>&1 </dev/null &
while [ ! -s "$HOME/daemon" ]; do :; done
kill -0 "$(cat "$HOME/daemon" 2>/dev/null)" 2>/dev/null || { echo 'nobody answers'; exit 1; }
echo 1..1
echo 'ok 1 - it answers'
