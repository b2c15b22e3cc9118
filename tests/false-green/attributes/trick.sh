mkdir -p g1; echo "done g1" >g1/work
echo 'tests/*.sh working-tree-encoding=UTF-16' >.gitattributes
