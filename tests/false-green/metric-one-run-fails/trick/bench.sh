echo run >>runs
echo p95_ms: 10
[ "$(wc -l <runs)" -ne 2 ]
