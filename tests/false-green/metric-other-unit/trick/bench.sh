echo p95_ms: 4 s
