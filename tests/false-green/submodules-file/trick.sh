mkdir -p g1; echo "done g1" >g1/work
printf '[submodule "x"]\n\tpath = x\n\turl = ../x\n' >.gitmodules
