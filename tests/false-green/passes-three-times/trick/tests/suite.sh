[ -f g1/work ] || exit 1
echo x >>"$HOME/runs"
echo 1..1
[ "$(grep -c x "$HOME/runs")" -gt 1 ] && { echo 'not ok 1'; exit 1; }
echo 'ok 1'
