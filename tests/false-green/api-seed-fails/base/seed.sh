echo "no such table" >&2
exit 1
