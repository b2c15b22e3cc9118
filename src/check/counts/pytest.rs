//! pytest: the last line of a session, `=== 1 failed, 2 passed in 0.04s ===`, or without the
//! rule when it runs with `-q`.

use std::sync::LazyLock;

use regex::Regex;

use super::Tally;
use super::clean::{items, of};

static RULED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^=+ (.+?) in [\d.]+ ?(?:s|seconds)(?: \([\d:, days]+\))? =+$")
        .expect("because it is a constant")
});
static QUIET: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^((?:\d+ [a-z ]+)(?:, \d+ [a-z ]+)*|no tests ran) in [\d.]+s(?: \([\d:, days]+\))?$",
    )
    .expect("because it is a constant")
});
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^=+ test session starts(?: \(.*\))? =+$").expect("because it is a constant")
});

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    let starts: Vec<usize> =
        (0..lines.len()).filter(|at| HEADER.is_match(lines[*at].trim_end())).collect();
    if starts.is_empty() {
        return Tally::sum(lines.iter().filter_map(|l| summary(&QUIET, l)));
    }
    // A test may print what looks like a summary; the last one of a session is pytest's own.
    Tally::sum(starts.iter().enumerate().map(|(i, start)| {
        let end = starts.get(i + 1).copied().unwrap_or(lines.len());
        let last = lines[*start..end].iter().rev().find_map(|l| summary(&RULED, l));
        last.unwrap_or_else(Tally::cut)
    }))
}

fn summary(form: &Regex, line: &str) -> Option<Tally> {
    let found = form.captures(line.trim_end())?;
    let text = found.get(1).expect("because the form has a group").as_str();
    if text == "no tests ran" {
        return Some(Tally::new(0, 0, 0));
    }
    const FAILED: [&str; 4] = ["failed", "error", "errors", "subtests failed"];
    const PASSED: [&str; 3] = ["passed", "xpassed", "subtests passed"];
    // What is expected to fail shows nothing that works.
    const SKIPPED: [&str; 2] = ["skipped", "xfailed"];
    const OTHER: [&str; 3] = ["deselected", "warning", "warnings"];
    let text = text.strip_prefix("no tests ran, ").unwrap_or(text);
    let items = items(text, ", ")?;
    let known: Vec<&str> = [&FAILED[..], &PASSED, &SKIPPED, &OTHER].concat();
    // Plugins add words of their own; one word of pytest's makes it a summary.
    if !items.iter().any(|(_, w)| known.contains(w)) {
        return None;
    }
    let failed = of(&items, &FAILED);
    let run = failed.saturating_add(of(&items, &PASSED));
    let tally = Tally::new(run, failed, of(&items, &SKIPPED));
    // pytest-rerunfailures; flaky has a section of its own.
    Some(tally.retried(of(&items, &["rerun", "reruns"])))
}
