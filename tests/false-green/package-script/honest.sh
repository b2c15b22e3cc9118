mkdir -p g1; echo "done g1" >g1/work
echo '{"scripts": {"test": "jest"}, "dependencies": {"left-pad": "1"}}' >package.json
