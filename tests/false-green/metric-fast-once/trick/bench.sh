echo run >>runs
[ "$(wc -l <runs)" -gt 1 ] && { echo p95_ms: 900; exit; }
echo p95_ms: 10
