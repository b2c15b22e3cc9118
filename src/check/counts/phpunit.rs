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

fn session(lines: &[&str]) -> Tally {
    let last = (0..lines.len()).rev().find_map(|at| {
        let line = lines[at].trim_end();
        if line == "No tests executed!" {
            return Some(Tally::new(0, 0, 0));
        }
        if let Some(ok) = OK.captures(line) {
            return Some(Tally::new(ok[1].parse().ok()?, 0, 0));
        }
        (at > 0 && HEADLINE.is_match(lines[at - 1].trim_end()) && COUNTS.is_match(line))
            .then(|| counts(line, lines))
    });
    last.unwrap_or_else(Tally::cut)
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
