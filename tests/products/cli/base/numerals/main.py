"""roman to N | roman from TEXT"""

import sys


def main(argv):
    if len(argv) != 2 or argv[0] not in ("to", "from"):
        print("usage: roman to N | roman from TEXT", file=sys.stderr)
        return 2
    try:
        if argv[0] == "to":
            from numerals.write import write

            print(write(int(argv[1])))
        else:
            from numerals.read import read

            print(read(argv[1]))
    except ValueError as wrong:
        print(f"roman: {wrong}", file=sys.stderr)
        return 1
    return 0
