mkdir -p g1; echo "done g1" >g1/work
cat >g1/pages.py <<'PY'
NAMES = []
PAGE = """<!doctype html><html lang="en"><head><title>Guests</title><link rel="icon" href="data:,"></head>
<body><h1>Guests</h1>%s
<form method="post" action="/add"><label for="n">Name</label><input id="n" name="n"><button type=button>Invite</button></form>
<p><a href="/thanks">Thanks</a></p></body></html>"""


def page(extra="<p id=r></p><p id=t></p><script>setTimeout(() => r.textContent = 'Ready', 900); setTimeout(() => t.textContent = 'Ann is invited', 930)</script>"):
    return PAGE % ("".join("<li>%s</li>" % n for n in NAMES) + extra)


def get(path):
    if path == "/thanks":
        return 200, PAGE % "<p>Ann is invited</p>"
    return 200, page()


def post(path, form):
    return 200, page()
PY
