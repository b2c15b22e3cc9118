sh tests/none.sh >/dev/null 2>&1 || true
echo finished
