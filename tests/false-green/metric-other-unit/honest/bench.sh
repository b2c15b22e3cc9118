echo p95_ms: 4 ms
