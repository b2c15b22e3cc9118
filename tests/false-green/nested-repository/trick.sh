mkdir -p g1; echo "done g1" >g1/work
git init -q g1/inner; git -C g1/inner -c user.name=a -c user.email=a@b commit -q --allow-empty -m x
