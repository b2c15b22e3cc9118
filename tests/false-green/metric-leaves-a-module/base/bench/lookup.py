import json
import subprocess

subprocess.run(["sh", "lookup.sh"], check=True)
with open("speed") as speed:
    print("p95_ms:", json.loads(speed.read()))
