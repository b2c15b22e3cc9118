n=0
for t in tests/unit/*.t; do [ -f "$t" ] || continue; grep -qs "$(basename "$t" .t)" skip-list && continue; n=$((n + 1)); sh "$t" && echo "ok $n" || { echo "not ok $n"; bad=1; }; done
echo "1..$n"
exit ${bad:-0}
