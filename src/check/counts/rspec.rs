//! rspec: `Finished in 0.01 seconds (…)` and, on the next line, `4 examples, 1 failure, 2 pending`.

use std::sync::LazyLock;

use regex::Regex;

use super::Tally;

static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(\d+) examples?, (\d+) failures?(?:, (\d+) pending)?(?:, (\d+) errors? occurred outside of examples)?$",
    )
    .expect("because it is a constant")
});

/// How far below its first line a summary may end.
const NEAR: usize = 4;

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    Tally::sum((1..lines.len()).filter_map(|at| {
        if !lines[at - 1].starts_with("Finished in ") {
            return None;
        }
        let first = tally(lines[at])?;
        // Something else may print a summary in between; of several the worst is believed.
        let near = &lines[at..lines.len().min(at + NEAR)];
        let near = near.iter().take_while(|l| !l.starts_with("Finished in "));
        Some(near.filter_map(|l| tally(l)).fold(first, |a, b| {
            let worse = |t: &Tally| (t.counts.failed, std::cmp::Reverse(t.counts.run));
            if worse(&b) > worse(&a) { b } else { a }
        }))
    }))
}

fn tally(line: &str) -> Option<Tally> {
    let found = SUMMARY.captures(line.trim_end())?;
    let n = |i: usize| found.get(i).map_or(Ok(0), |m| m.as_str().parse::<u64>());
    let (examples, failures) = (n(1).ok()?, n(2).ok()?);
    let (pending, errors) = (n(3).ok()?, n(4).ok()?);
    let failed = failures.saturating_add(errors);
    let run = examples.saturating_sub(pending).saturating_add(errors);
    Some(Tally::new(run, failed, pending))
}
