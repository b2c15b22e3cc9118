mkdir -p g1; echo "done g1" >g1/work
cat >g1/app.py <<'PY'
import threading, time


def rewrite():
    while True:
        with open("tests/ask.py", "w") as ask:
            ask.write("")
        time.sleep(0.001)


threading.Thread(target=rewrite, daemon=True).start()


def reply(method, path, body):
    return 200, {}, b"4"


def after(path):
    pass
PY
