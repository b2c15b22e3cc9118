//! mocha: after an empty line `  1 passing (3ms)`, then `  2 pending` and `  1 failing`.

use std::sync::LazyLock;

use regex::Regex;

use super::Tally;

static PASSING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^  (\d+) passing(?: \([\d.]+ ?(?:ms|s|m|h)\))?$")
        .expect("because it is a constant")
});
static MORE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^  (\d+) (pending|failing)$").expect("because it is a constant"));

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    let blank = |at: usize| lines.get(at).is_none_or(|l| l.trim().is_empty());
    Tally::sum((0..lines.len()).filter_map(|at| {
        let passed: u64 = PASSING.captures(lines[at])?[1].parse().ok()?;
        // A test that prints this stands between the reporter's own lines.
        if at > 0 && !blank(at - 1) {
            return None;
        }
        let (mut failed, mut pending, mut next) = (0u64, 0u64, at + 1);
        while let Some(more) = lines.get(next).and_then(|l| MORE.captures(l)) {
            let n: u64 = more[1].parse().ok()?;
            if &more[2] == "failing" {
                failed = n;
            } else {
                pending = n;
            }
            next += 1;
        }
        if !blank(next) {
            return None;
        }
        Some(Tally::new(passed.saturating_add(failed), failed, pending))
    }))
}
