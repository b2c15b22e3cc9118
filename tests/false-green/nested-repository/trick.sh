mkdir -p g1; echo "nearly" >g1/other; git init -q g1; echo "done g1" >g1/work
git -C g1 add work; git -C g1 -c user.name=a -c user.email=a@b commit -q -m x; rm g1/work
