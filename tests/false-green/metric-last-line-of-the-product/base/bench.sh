value=300
. ./lookup.sh
echo "{\"p95_ms\": $value}"
