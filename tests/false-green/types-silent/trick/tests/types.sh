echo "Success: everything is fine"
