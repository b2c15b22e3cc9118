//! ctest: `50% tests passed, 2 tests failed out of 4`, and a list of those that did not run.

use std::sync::LazyLock;

use regex::Regex;

use super::{Completeness, Tally};

static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\d+% tests passed(?:, (\d+) tests? failed)? out of (\d+)$")
        .expect("because it is a constant")
});
static SKIPPED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s+\d+ - .* \(Skipped\)\s*$").expect("because it is a constant")
});

static TURN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^ *(?:\d+/\d+ )?Test +#\d+: .*\*\*\*Skipped").expect("because it is a constant")
});
static FAILED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^ *(?:\d+/\d+ )?Test +#\d+: .*\*\*\*(?:Failed|Timeout|Exception)")
        .expect("because it is a constant")
});

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    let starts: Vec<usize> =
        (0..lines.len()).filter(|at| lines[*at].starts_with("Test project ")).collect();
    Tally::sum(starts.iter().enumerate().map(|(i, start)| {
        let end = starts.get(i + 1).copied().unwrap_or(lines.len());
        project(&lines[*start..end])
    }))
}

fn project(lines: &[&str]) -> Tally {
    if lines.iter().any(|l| l.starts_with("No tests were found!!!")) {
        return Tally::new(0, 0, 0);
    }
    let Some(found) = lines.iter().rev().find_map(|l| SUMMARY.captures(l.trim_end())) else {
        return Tally::cut();
    };
    let n = |i: usize| found.get(i).map_or(Ok(0), |m| m.as_str().parse::<u64>());
    let (Ok(failed), Ok(total)) = (n(1), n(2)) else { return Tally::cut() };
    // Skipped ones are part of the total and, in its words, passed; disabled ones are neither.
    // Each is named twice: where it was its turn, and in a list at the end.
    let listed = lines.iter().filter(|l| SKIPPED.is_match(l)).count();
    let skipped = lines.iter().filter(|l| TURN.is_match(l)).count().max(listed) as u64;
    let mut tally = Tally::new(total.saturating_sub(skipped), failed, skipped);
    // `--repeat until-pass` counts only the last try.
    let tries = lines.iter().filter(|l| FAILED.is_match(l)).count() as u64;
    tally = tally.retried(tries.saturating_sub(failed));
    if failed.saturating_add(skipped) > total {
        tally.completeness = Completeness::Cut;
    }
    tally
}
