echo 'running 2 tests'
echo 'test result: ok. 3 passed; -1 failed; 0 ignored; 0 measured; 0 filtered out'
