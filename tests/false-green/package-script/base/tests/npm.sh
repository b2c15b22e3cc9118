# npm test
npm=jest
exec sh tests/check.sh g1
