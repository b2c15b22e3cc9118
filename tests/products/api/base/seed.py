"""Puts one counter there, for checks."""

import json
import os
import urllib.request

request = urllib.request.Request(
    os.environ["OTTO_URL_TALLY"] + "/counters",
    data=json.dumps({"name": "seeded"}).encode(),
    headers={"Content-Type": "application/json"},
)
assert urllib.request.urlopen(request).status == 201
