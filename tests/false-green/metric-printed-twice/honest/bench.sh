echo p95_ms: 12.5
echo p95_ms: 12.5
