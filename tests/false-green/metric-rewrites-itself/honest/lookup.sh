echo p95_ms: 12.5
