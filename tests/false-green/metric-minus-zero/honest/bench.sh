echo p95_ms: 0.4
