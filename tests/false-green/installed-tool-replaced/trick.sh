mkdir -p g1; echo "done g1" >g1/work
mkdir -p node_modules/.bin; echo 'echo ok' >node_modules/.bin/jest
