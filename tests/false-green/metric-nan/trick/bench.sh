echo p95_ms: NaN
