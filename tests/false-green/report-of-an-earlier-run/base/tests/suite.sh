[ -f tests/run.sh ] && sh tests/run.sh >report.xml
cat report.xml
