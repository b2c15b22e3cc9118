//! cargo-nextest: `Starting 5 tests across …` and `Summary [ 0.1s] 4/5 tests run: 3 passed, …`.
//! What the tests print is indented by four, but their own libtest summaries have other words.

use std::sync::LazyLock;

use regex::Regex;

use super::Tally;
use super::clean::{items, of};

static STARTING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^ {4}Starting \d+ tests? across \d+ binar").expect("because it is a constant")
});
static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^ {5}Summary \[ *[\d.]+s\] (?:(\d+)/)?(\d+) tests? run: (.+)$")
        .expect("because it is a constant")
});

/// Among the remarks: `2 passed (1 slow, 1 flaky)`.
static FLAKY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(\d+) flaky\b").expect("because it is a constant"));

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    let starts: Vec<usize> = (0..lines.len()).filter(|at| STARTING.is_match(lines[*at])).collect();
    Tally::sum(starts.iter().enumerate().map(|(i, start)| {
        let end = starts.get(i + 1).copied().unwrap_or(lines.len());
        let last = lines[*start..end].iter().rev().find_map(|l| summary(l));
        last.unwrap_or_else(Tally::cut)
    }))
}

fn summary(line: &str) -> Option<Tally> {
    let found = SUMMARY.captures(line.trim_end())?;
    let planned: u64 = found[2].parse().ok()?;
    let run: u64 = match found.get(1) {
        Some(run) => run.as_str().parse().ok()?,
        None => planned,
    };
    let items = items(&found[3], ", ")?;
    let failed = of(&items, &["failed", "exec failed", "timed out"]);
    let shown = failed.saturating_add(of(&items, &["passed"]));
    let tally = Tally::new(run, failed, of(&items, &["skipped"]));
    let flaky = FLAKY.captures(&found[3]).and_then(|f| f[1].parse().ok()).unwrap_or(0);
    Some(tally.shows(run, planned).shows(shown, run).retried(flaky))
}
