# mypy: ignore-errors=yes
x: int = "x"
