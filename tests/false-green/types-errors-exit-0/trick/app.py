x: int = 'x'
