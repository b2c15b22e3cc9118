"""A slug that is not taken."""

from slugger.slugs import slug


def unique(text, taken):
    first = name = slug(text)
    number = 1
    while name in taken:
        number += 1
        name = f"{first}-{number}"
    return name
