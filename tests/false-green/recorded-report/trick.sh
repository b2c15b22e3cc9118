mkdir -p g1; echo x >g1/other; printf '1..1\nok 1 - g1\n' >report.tap
