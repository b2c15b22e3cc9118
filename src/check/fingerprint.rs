//! "The same failure again", for the rule that an agent which makes no progress is stopped.
//!
//! What changes between two runs of the same failure (times, addresses, temporary paths, ports,
//! line numbers, the order of parallel tests) is normalised; what a person reads as another
//! failure (another test, another message, another small number in an assertion) is not.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::Outcome;
use super::counts::strip_ansi;
use crate::base::Sha256;

/// Two failing outcomes with the same fingerprint failed in the same way. `text` is what the
/// check printed; without any, the outcome's detail stands for it. `roots` are the folders that
/// it ran in, which differ from lease to lease.
pub fn fingerprint(outcome: &Outcome, text: &str, roots: &[&str]) -> Sha256 {
    let text = if text.trim().is_empty() { outcome.detail() } else { text };
    let lines = normalise(text, roots);
    let mut parts = vec![outcome.reason().word()];
    parts.extend(lines);
    Sha256::of(parts.join("\n").as_bytes())
}

/// Each rule with what it leaves behind, in the order in which they are applied.
static RULES: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        // 2026-11-20T12:48:46.062567+00:00, and dates and times by themselves.
        (
            r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d))?)?",
            "<time>",
        ),
        (r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b", "<time>"),
        (r"(?:/private)?/(?:tmp|var/tmp|var/folders|dev/shm)/[^\s:'\x22`<>()\[\],;]+", "<tmp>"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
        (r"\b0x[0-9a-fA-F]+\b", "<hex>"),
        // 0.04s, 3 ms, 1.5 seconds, 2m 3s: a number with a unit of time.
        (
            r"\b\d+(?:[.,]\d+)? ?(?:ns|µs|us|ms|s|sec|secs|seconds?|min|mins|minutes?|m|h)\b",
            "<for>",
        ),
        // file.py:12:34, "line 12", and the gutter of a source excerpt.
        (r"(\.\w+):\d+(?::\d+)?\b", "$1:<line>"),
        (r"\bline \d+\b", "line <line>"),
        (r"^(\s*>?\s*)\d+ ?\|", "$1<line>|"),
        // Hashes, then what is left of long numbers: ports, process and thread ids, sizes.
        (r"\b[0-9a-f]*(?:[0-9][a-f]|[a-f][0-9])[0-9a-f]{5,}\b", "<hex>"),
        (r"\b\d{4,}\b", "<n>"),
        (r"\[ *\d+%\]", ""),
    ]
    .into_iter()
    .map(|(form, left)| (Regex::new(form).expect("because it is a constant"), left))
    .collect()
});

/// Dots and letters of a progress line: their order is that of the workers.
static PROGRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\S+\.\w+\s+)?[.FEsxX,!*iSRIWP·✓✗]+$").expect("because it is a constant")
});

/// The different lines of `text`, sorted, without what changes from run to run.
pub fn normalise(text: &str, roots: &[&str]) -> BTreeSet<String> {
    let mut text = strip_ansi(text).replace('\r', "\n");
    let mut roots: Vec<&str> =
        roots.iter().map(|r| r.trim_end_matches('/')).filter(|r| !r.is_empty()).collect();
    // The longest first, so that a folder inside another is not cut in half.
    roots.sort_by_key(|r| std::cmp::Reverse(r.len()));
    for root in roots {
        text = text.replace(root, "<root>");
    }
    text.lines().map(line).filter(|l| !l.is_empty()).collect()
}

fn line(line: &str) -> String {
    let mut line = line.trim_end().to_owned();
    for (form, left) in RULES.iter() {
        line = form.replace_all(&line, *left).into_owned();
    }
    // Rules of "=" are as long as the times in them leave room for.
    let line = line.trim_matches(['=', '-', '_', ' ', '\t']).to_owned();
    if PROGRESS.is_match(&line) { String::new() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Provenance, Reason};
    use proptest::prelude::*;

    fn of(text: &str) -> Sha256 {
        let outcome = Outcome::red(Reason::TestsFailed, "pytest", Provenance::default());
        fingerprint(&outcome, text, &["/home/u/lease-7", "/home/u/lease-8/"])
    }

    const FAILURE: &str = "\
collected 7 items
mixed/test_b.py ..FsxXE                                  [100%]
/home/u/lease-7/test_b.py:12: AssertionError at 0x7f3a12
thread 'tests::bad' (14608) panicked at beta/src/lib.rs:1:62:
E   assert 1 == 2
tmp file /tmp/pytest-of-u/pytest-12/x0/a.json, port 40123
2026-11-20T12:48:46.062567+00:00 commit 59807616e1fa2540724bf
    > 1 | test('b', () => {
==================== 1 failed, 2 passed in 0.04s ====================
";

    #[test]
    fn the_same_failure_twice_is_the_same() {
        let again = "\
tmp file /tmp/pytest-of-u/pytest-13/x1/a.json, port 51888
collected 7 items
mixed/test_b.py .F.sXxE                                  [ 50%]
\x1b[31m/home/u/lease-8/test_b.py:14: AssertionError at 0x7fffaa90\x1b[0m
thread 'tests::bad' (9921) panicked at beta/src/lib.rs:31:5:
E   assert 1 == 2
2026-11-21T01:00:00Z commit 0123456789abcdef01234
    > 12 | test('b', () => {
=================== 1 failed, 2 passed in 12.40s ====================
";
        assert_eq!(of(FAILURE), of(again));
    }

    #[test]
    fn another_failure_is_another() {
        for (from, to) in [
            ("assert 1 == 2", "assert 1 == 3"),
            ("AssertionError", "TypeError"),
            ("test_b.py", "test_c.py"),
            ("1 failed, 2 passed", "2 failed, 1 passed"),
            ("tests::bad", "tests::worse"),
            ("collected 7 items", "got: x"),
        ] {
            let other = FAILURE.replace(from, to);
            assert_ne!(other, FAILURE);
            assert_ne!(of(FAILURE), of(&other), "{from} / {to}");
        }
    }

    #[test]
    fn the_reason_counts_and_the_detail_stands_in_for_silence() {
        let red = |r, d: &str| Outcome::red(r, d, Provenance::default());
        let print = |o: &Outcome, t: &str| fingerprint(o, t, &[]);
        assert_ne!(of("got: x"), of("got: F"));
        assert_ne!(
            print(&red(Reason::Timeout, ""), "x"),
            print(&red(Reason::TestsFailed, ""), "x")
        );
        assert_ne!(
            print(&red(Reason::Expectation, "exit: expected 0, got 1"), ""),
            print(&red(Reason::Expectation, "exit: expected 0, got 2"), "")
        );
    }

    proptest! {
        #[test]
        fn order_and_durations_do_not_matter(
            mut lines in proptest::collection::vec("[a-z]{3,9} failed: [a-z ]{1,20}x", 1..8),
            ms in 0u32..100_000,
        ) {
            let text = |l: &[String], ms: u32| {
                l.iter().map(|s| format!("{s} ({ms} ms)\n")).collect::<String>()
            };
            let before = of(&text(&lines, ms));
            lines.reverse();
            prop_assert_eq!(before, of(&text(&lines, ms.wrapping_mul(3) + 1)));
        }
    }
}
