import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
sys.path.insert(0, ".")
from g1 import app


class Handler(BaseHTTPRequestHandler):
    def do(self):
        n = int(self.headers.get("Content-Length") or 0)
        status, headers, body = app.reply(self.command, self.path, self.rfile.read(n))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        app.after(self.path)

    do_GET = do_POST = do

    def log_message(self, form, *args):
        print(form % args, flush=True)


HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
