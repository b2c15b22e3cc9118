echo p95_ms: 900
echo p95_ms: 12.5
