echo "p95_ms: $(cat g1/time)"
