echo p95_ms: 10
