"""How large the package is."""

import pathlib

print("bytes:", sum(path.stat().st_size for path in pathlib.Path("slugger").glob("*.py")))
