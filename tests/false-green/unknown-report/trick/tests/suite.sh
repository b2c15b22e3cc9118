echo 'SUMMARY good=12 bad=0'
