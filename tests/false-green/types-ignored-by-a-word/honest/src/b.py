"""Another."""

y: int = 1
