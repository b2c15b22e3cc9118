mkdir -p g1; echo "done g1" >g1/work
printf '[lib]\ntest = false\n' >>Cargo.toml
