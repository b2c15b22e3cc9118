mkdir -p g1; echo "done g1" >g1/work
printf 'bench:\n\techo p95_ms: 1\n' >Makefile
