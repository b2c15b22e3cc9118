tools/mypy app.py || true
