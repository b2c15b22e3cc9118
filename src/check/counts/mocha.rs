//! mocha: after an empty line `  1 passing (3ms)`, then `  2 pending` and `  1 failing`.

use std::sync::LazyLock;

use regex::Regex;

use super::Tally;

static PASSING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^  (\d+) passing \([\d.]+ ?(?:ms|s|m|h)\)$").expect("because it is a constant")
});
static MORE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^  (\d+) (pending|failing)$").expect("because it is a constant"));

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    // A run has no header of its own; npm prints `> name@version test` before each one.
    let runs = lines.split(|l| l.starts_with("> "));
    Tally::sum(runs.filter_map(|run| {
        let all: Vec<Tally> = (0..run.len()).filter_map(|at| summary(run, at)).collect();
        // A test may print what looks like a summary; mocha's own is the last one. What the
        // others say of failures is kept: it can only turn the outcome red.
        let (last, others) = all.split_last()?;
        let failed = others.iter().map(|t| Tally::new(0, t.counts.failed, 0));
        let sum = failed.fold(*last, Tally::plus);
        let loose = run.iter().filter_map(|l| MORE.captures(l)).filter(|m| &m[2] == "failing");
        let loose = loose.filter_map(|m| m[1].parse::<u64>().ok()).max().unwrap_or(0);
        Some(sum.plus(Tally::new(0, loose.saturating_sub(sum.counts.failed), 0)))
    }))
}

fn summary(lines: &[&str], at: usize) -> Option<Tally> {
    let blank = |at: usize| lines.get(at).is_none_or(|l| l.trim().is_empty());
    let passed: u64 = PASSING.captures(lines[at])?[1].parse().ok()?;
    // What a test prints mostly stands between the reporter's own lines.
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
    // Mocha ends with an empty line; without it more could have followed.
    (next < lines.len() && blank(next))
        .then(|| Tally::new(passed.saturating_add(failed), failed, pending))
}
