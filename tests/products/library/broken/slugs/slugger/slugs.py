"""A text as a name for an address."""

import re


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower())
