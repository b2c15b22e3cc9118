[ -f report.tap ] || sh tests/check.sh g1 >report.tap
cat report.tap
! grep -q '^not ok' report.tap
