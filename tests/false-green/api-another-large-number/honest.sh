mkdir -p g1; echo "done g1" >g1/work
cat >g1/app.py <<'PY'
def reply(method, path, body):
    return 200, {}, b'{"id": 9007199254740992}'


def after(path):
    pass
PY
