sh lookup.sh
echo p95_ms: $(cat speed)
