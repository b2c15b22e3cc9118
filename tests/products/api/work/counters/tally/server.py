"""Counters over HTTP, as JSON: make one, add to it, look at it."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COUNTERS = {}


def reply(method, path, body):
    """Status and answer."""
    parts = [part for part in path.split("/") if part]
    if parts == ["health"]:
        return 200, {"ok": True}
    if parts == ["total"]:
        try:
            from tally.totals import total
        except ImportError:
            return 404, {"error": "not found"}
        return 200, {"total": total(COUNTERS)}
    if parts == ["counters"] and method == "POST":
        name = (body or {}).get("name")
        if not isinstance(name, str) or not name.strip():
            return 422, {"error": "a counter needs a name"}
        if name in COUNTERS:
            return 409, {"error": "it exists"}
        COUNTERS[name] = 0
        return 201, {"name": name, "value": 0, "self": f"/counters/{name}"}
    if len(parts) == 2 and parts[0] == "counters" and parts[1] in COUNTERS:
        if method == "POST":
            by = (body or {}).get("by")
            if not isinstance(by, int) or isinstance(by, bool):
                return 422, {"error": "'by' is a whole number"}
            COUNTERS[parts[1]] += by
        return 200, {"name": parts[1], "value": COUNTERS[parts[1]]}
    return 404, {"error": "not found"}


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        try:
            body = json.loads(self.rfile.read(length)) if length else None
        except ValueError:
            status, told = 400, {"error": "not JSON"}
        else:
            status, told = reply(self.command, self.path, body)
        text = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, form, *args):
        print(form % args, flush=True)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
