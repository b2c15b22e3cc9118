echo p95_ms: -0.0
