#!/bin/sh
# Checks that this machine can build and test Otto: one line for each thing that is missing, with
# what to install. Installs nothing. Exit 0: all there; 1: something is missing.
#
#   sh tests/need.sh
set -u
root=$(cd "${0%/*}/.." && pwd) || exit 1
bad=0

missing() {
    echo "need: $1" >&2
    bad=1
}

# at_least FOUND OLDEST: both like 1.91 or 2.47.3.
at_least() {
    awk -v found="$1" -v oldest="$2" 'BEGIN {
        split(found, f, "."); split(oldest, o, ".")
        for (i = 1; i <= 3; i++) if (f[i] + 0 != o[i] + 0) exit !(f[i] + 0 > o[i] + 0)
        exit 0
    }'
}

have() { command -v "$1" >/dev/null 2>&1; }

rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
how="install it with rustup (Debian: apt install rustup; macOS: brew install rustup), then: rustup default stable"
for tool in cargo rustc; do
    if ! have $tool; then
        missing "$tool $rust or newer is missing: $how"
        continue
    fi
    # rustup's own stand-in is there without a toolchain, and fails.
    found=$($tool --version 2>/dev/null | awk '{ print $2 }')
    [ -n "$found" ] || { missing "$tool does not start: rustup default stable"; continue; }
    at_least "${found%%-*}" "$rust" ||
        missing "$tool $found is too old, $rust or newer is needed: rustup update stable"
done

have cc || missing "a C compiler (cc) is missing: Debian: apt install gcc; macOS: xcode-select --install"

if have git; then
    found=$(git version | awk '{ print $3 }')
    at_least "$found" 2.31 ||
        missing "git $found is too old, 2.31 or newer is needed: Debian: apt install git; macOS: brew install git"
else
    missing "git 2.31 or newer is missing: Debian: apt install git; macOS: brew install git"
fi

for tool in sh awk sed cmp mktemp; do
    have $tool || missing "$tool is missing: Debian: apt install mawk sed diffutils coreutils; macOS has it"
done

# Nothing fails for want of these, but under CI, where nothing may be skipped.
for tool in chromium chromedriver; do
    have $tool ||
        echo "need: without $tool the tests of journeys are skipped: Debian: apt install chromium chromium-driver" >&2
done
exit $bad
