mkdir -p g1; echo "done g1" >g1/work
cat >g1/app.py <<'PY'
import json

ITEMS = {}


def reply(method, path, body):
    if path == "/ready":
        return 200, {}, b"ok"
    if method == "POST" and path == "/items":
        name = json.loads(body)["name"]
        ITEMS[str(len(ITEMS) + 1)] = name
        here = str(len(ITEMS))
        return 201, {"Location": "/items/" + here}, json.dumps({"id": here, "name": name}).encode()
    if path == "/items":
        return 200, {}, json.dumps([{"id": k, "name": v} for k, v in ITEMS.items()]).encode()
    found = ITEMS.get(path.rsplit("/", 1)[-1])
    if path.startswith("/items/") and found:
        return 200, {}, json.dumps({"name": found}).encode()
    return 404, {}, b"{}"


def after(path):
    pass
PY
