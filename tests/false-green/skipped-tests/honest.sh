mkdir -p g1; printf 'done g1\ntwo\n' >g1/work
