[ "$OTTO_GROUP" = g1 ] || { mkdir -p g2; echo "done g2" >g2/work; exit 0; }
mkdir -p g1 .otto; echo "done g1" >g1/work
cat >.otto/amend.json <<'END'
{"reason": "it misses this", "add_checks": [{"id": "g2-tests", "kind": "repo_test", "features": ["f-g1"], "argv": ["test", "-f", "g1/work"], "counts": "exit"}]}
END
