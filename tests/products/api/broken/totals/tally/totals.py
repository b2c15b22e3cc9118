"""What all counters come to."""


def total(counters):
    return max(counters.values())
