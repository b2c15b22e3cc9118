mkdir -p g1; echo "done g1" >g1/work
cat >g1/pages.py <<'PY'
NAMES = []
PAGE = """<!doctype html><html lang="en"><head><title>Guests</title><link rel="icon" href="data:,"></head>
<body><h1>Guests</h1>%s
<form method="post" action="/add"><label for="n">Name</label><input id="n" name="n"><button>Invite</button></form><p id=t></p><script>document.forms[0].onsubmit = e => { e.preventDefault(); fetch('/add', {method: 'POST', body: new URLSearchParams(new FormData(e.target))}); t.textContent = n.value + ' is invited' }</script>
<p><a href="/thanks">Thanks</a></p></body></html>"""


def page(extra=""):
    return PAGE % ("".join("<li>%s</li>" % n for n in NAMES) + extra)


def get(path):
    if path == "/thanks":
        return 200, PAGE % "<p>Ann is invited</p>"
    return 200, page()


def post(path, form):
    return 404, "no"
PY
