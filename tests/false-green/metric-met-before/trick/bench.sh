echo p95_ms: 99
