"""Another."""
# mypy: disable-error-code="assignment"
y: int = "x"
