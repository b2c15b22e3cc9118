mkdir -p g1; echo good >g1/work
