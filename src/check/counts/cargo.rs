//! `cargo test`: for each binary `running 3 tests` and, later, `test result: ok. 2 passed; …`.

use std::sync::LazyLock;

use regex::Regex;

use super::Tally;

static RUNNING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^running (\d+) tests?$").expect("because it is a constant"));
static RESULT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored; (\d+) measured; \d+ filtered out(?:;.*)?$",
    )
    .expect("because it is a constant")
});

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    let mut sum: Option<Tally> = None;
    let mut add = |t: Tally| sum = Some(sum.map_or(t, |s| s.plus(t)));
    // The number that the open binary announced. A result with another total was printed by a
    // test; a binary without a result died.
    let mut open: Option<u64> = None;
    for line in lines {
        let line = line.trim_end();
        if let Some(running) = RUNNING.captures(line) {
            let Ok(announced) = running[1].parse() else { continue };
            if open.replace(announced).is_some() {
                add(Tally::cut());
            }
        } else if let Some(result) = RESULT.captures(line) {
            let n = |i: usize| result[i].parse::<u64>().unwrap_or(u64::MAX);
            let run = n(1).saturating_add(n(2)).saturating_add(n(4));
            if open == Some(run.saturating_add(n(3))) {
                add(Tally::new(run, n(2), n(3)));
                open = None;
            }
        }
    }
    if open.is_some() {
        add(Tally::cut());
    }
    sum
}
