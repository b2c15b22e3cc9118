mkdir -p g1 .otto; echo "done g1" >g1/work
cat >.otto/amend.json <<'END'
{"reason": "it misses this", "add_checks": [{"id": "g1-own", "kind": "repo_test", "features": ["f-g1"], "argv": ["test", "-f", "README.md"], "counts": "exit"}]}
END
