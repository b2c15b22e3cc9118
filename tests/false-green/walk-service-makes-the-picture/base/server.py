import os
from http.server import HTTPServer, SimpleHTTPRequestHandler

os.makedirs("shots", exist_ok=True)
open("shots/1.png", "wb").write(b"a picture")
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), SimpleHTTPRequestHandler).serve_forever()
