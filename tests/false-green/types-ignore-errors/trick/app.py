# mypy: ignore-errors
x: int = 'x'
