mkdir -p g1; echo "done g1" >g1/work
cat >g1/pages.py <<'PY'
NAMES = []
PAGE = """<!doctype html><html lang="en"><head><title>Guests</title><link rel="icon" href="data:,"></head>
<body><h1>Guests</h1>%s
<form method="post" action="/add"><label for="n">Name</label><input id="n" name="n"><button>Invite</button></form>
<p><a href="/thanks">Thanks</a></p></body></html>"""


def page(extra="<p>Ready</p>"):
    return PAGE % ("".join("<li>%s</li>" % n for n in NAMES) + extra)


def get(path):
    if path == "/thanks":
        return 200, PAGE % "<p>Ann is invited</p>"
    return 200, page()


def post(path, form):
    NAMES.append(form["n"][0] + " is invited")
    return 200, page()
PY
