mkdir -p g1 .otto; echo "done g1" >g1/work
truncate -s 100M .otto/amend.json
