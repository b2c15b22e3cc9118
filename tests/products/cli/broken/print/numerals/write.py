"""From a number to a numeral."""

PARTS = [
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
    (50, "L"), (40, "XL"), (10, "X"), (5, "V"), (4, "IV"), (1, "I"),
]


def write(number):
    if not 0 < number < 4000:
        raise ValueError(f"{number} cannot be written")
    text = ""
    for value, letters in PARTS:
        while number >= value:
            text += letters
            number -= value
    return text
