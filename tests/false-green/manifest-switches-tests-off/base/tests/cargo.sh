tool=cargo
exec sh tests/check.sh g1
