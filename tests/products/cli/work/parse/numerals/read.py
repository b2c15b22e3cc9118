"""From a numeral to a number."""

VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def read(text):
    from numerals.write import write

    total = 0
    values = [VALUES.get(letter) for letter in text]
    if not values or None in values:
        raise ValueError(f"'{text}' is no numeral")
    for value, after in zip(values, values[1:] + [0]):
        total += -value if value < after else value
    if write(total) != text:
        raise ValueError(f"'{text}' is no numeral")
    return total
