echo '<testsuite tests="1"><testcase name="a"/></testsuite>'
