echo 12.5 >speed
