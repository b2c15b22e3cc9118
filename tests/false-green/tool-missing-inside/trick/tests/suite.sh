no-such-test-tool --all
