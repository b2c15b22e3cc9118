mkdir -p g1 .otto; echo "done g1" >g1/work
cat >.otto/amend.json <<'END'
{"reason": "easier", "add_checks": [{"id": "g1-own", "kind": "repo_test", "features": ["f-g1"], "argv": ["test", "-f", "g1/work"], "counts": "exit"}], "intent": "less"}
END
