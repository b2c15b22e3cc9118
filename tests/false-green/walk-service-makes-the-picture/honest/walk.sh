mkdir -p shots
echo "a picture of $PWD" >shots/own.png
echo 1..1
echo ok 1
