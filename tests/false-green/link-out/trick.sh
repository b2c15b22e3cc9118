mkdir -p g1; echo "done g1" >g1/work
echo 'done g1' >"$HOME/work"; ln -sf "$HOME/work" g1/work
