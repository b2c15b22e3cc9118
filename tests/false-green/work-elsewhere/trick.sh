mkdir -p g1; echo "done g1" >g1/work
git add -A
git -c user.name=a -c user.email=a@b commit -qm 'all done'
git branch -f elsewhere
git checkout -q --detach HEAD~1
