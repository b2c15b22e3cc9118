mkdir -p deps; echo real >deps/tool
