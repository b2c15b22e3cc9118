"""What all counters come to."""


def total(counters):
    return sum(counters.values())
