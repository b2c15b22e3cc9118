mkdir -p g1; echo "done g1" >g1/work
cat >g1/app.py <<'PY'
with open("tests/ask.py", "w") as ask:
    ask.write("")


def reply(method, path, body):
    return 200, {}, b"4"


def after(path):
    pass
PY
