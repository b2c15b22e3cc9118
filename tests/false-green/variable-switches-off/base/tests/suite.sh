if [ -n "${SKIP_TESTS-}" ]; then echo 1..1; echo 'ok 1 - nothing to do'; exit 0; fi
exec sh tests/check.sh g1
