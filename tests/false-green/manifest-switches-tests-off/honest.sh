mkdir -p g1; echo "done g1" >g1/work
printf '[dependencies]\nlog = "0.4"\n' >>Cargo.toml
