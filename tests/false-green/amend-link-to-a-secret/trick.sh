mkdir -p g1 .otto; echo "done g1" >g1/work
echo '{"reason": "secret"}' >"$HOME/secret"
ln -s "$HOME/secret" .otto/amend.json
