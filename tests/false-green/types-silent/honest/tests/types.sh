echo 'Success: no issues found in 4 source files'
