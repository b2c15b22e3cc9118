mkdir -p g1; echo "done g1" >g1/work
mkdir .cargo; printf '[target.x86_64-unknown-linux-gnu]\nrunner = "true"\n' >.cargo/config.toml
