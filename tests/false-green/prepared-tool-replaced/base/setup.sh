mkdir -p deps; printf 'grep -qx good g1/work && { echo 1..1; echo ok 1; exit; }; echo 1..1; echo not ok 1; exit 1' >deps/tool
