//! phpunit: `OK (2 tests, 2 assertions)`, or a headline and `Tests: 6, Assertions: 2, Errors: 1.`

use std::sync::LazyLock;

use regex::Regex;

use super::Tally;

static OK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^OK \((\d+) tests?, \d+ assertions?\)$").expect("because it is a constant")
});
static HEADLINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:OK, but .+|FAILURES|ERRORS|WARNINGS)!$").expect("because it is a constant")
});
static COUNTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^Tests: \d+, Assertions: \d+(?:, [\w ]+: \d+)*\.$")
        .expect("because it is a constant")
});

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    let starts: Vec<usize> = (0..lines.len())
        .filter(|at| lines[*at].starts_with("PHPUnit ") && lines[*at].contains("Bergmann"))
        .collect();
    Tally::sum(starts.iter().enumerate().map(|(i, start)| {
        let end = starts.get(i + 1).copied().unwrap_or(lines.len());
        session(&lines[*start..end])
    }))
}

/// How far the counts may stand below their headline when something else prints in between.
const NEAR: usize = 4;

/// What stands below the line with the time is phpunit's own, or printed after it: a headline of
/// something that is not well is believed over an OK, and of several OKs the first.
fn session(lines: &[&str]) -> Tally {
    if lines.iter().any(|l| l.trim_end() == "No tests executed!") {
        return Tally::new(0, 0, 0);
    }
    let timed = |l: &&str| l.starts_with("Time: ") && l.contains(", Memory: ");
    let Some(end) = lines.iter().rposition(timed) else { return Tally::cut() };
    let below = &lines[end..];
    let bad = (0..below.len()).filter(|at| HEADLINE.is_match(below[*at].trim_end())).map(|at| {
        let near = &below[at + 1..below.len().min(at + 1 + NEAR)];
        let found = near.iter().find(|l| COUNTS.is_match(l.trim_end()));
        found.map_or_else(Tally::cut, |line| counts(line.trim_end(), lines))
    });
    let good = || {
        let ok = below.iter().find_map(|l| OK.captures(l.trim_end()))?;
        Some(Tally::new(ok[1].parse().ok()?, 0, 0))
    };
    Tally::sum(bad).or_else(good).unwrap_or_else(Tally::cut)
}

fn counts(line: &str, lines: &[&str]) -> Tally {
    let of = |words: &[&str]| {
        line.trim_end_matches('.')
            .split(", ")
            .filter_map(|part| part.split_once(": "))
            .filter(|(word, _)| words.contains(word))
            .fold(0u64, |sum, (_, n)| sum.saturating_add(n.parse().unwrap_or(u64::MAX)))
    };
    // Version 9 counts a class without tests as one test with a warning.
    let empty = lines.iter().filter(|l| l.starts_with("No tests found in class ")).count() as u64;
    // A risky test asserts nothing: it ran, and proved as much as one that was skipped.
    let skipped = of(&["Skipped", "Incomplete", "Risky"]);
    let failed = of(&["Errors", "Failures"]);
    let run = of(&["Tests"]).saturating_sub(skipped).saturating_sub(empty);
    Tally::new(run, failed, skipped)
}
