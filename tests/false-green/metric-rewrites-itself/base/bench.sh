sh lookup.sh
