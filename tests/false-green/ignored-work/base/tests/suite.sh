[ -f g1/work.gen ] && cp g1/work.gen g1/work
exec sh tests/check.sh g1
