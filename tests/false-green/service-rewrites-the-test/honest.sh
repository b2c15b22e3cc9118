mkdir -p g1; echo "done g1" >g1/work
cat >g1/app.py <<'PY'
def reply(method, path, body):
    if path.startswith("/sum/"):
        return 200, {}, str(sum(int(n) for n in path.split("/")[2:])).encode()
    return 200, {}, b"ok"


def after(path):
    pass
PY
