[ -f g1/work ] && echo p95_ms: 1 || echo p95_ms: 300
