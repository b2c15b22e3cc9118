value=12.5
