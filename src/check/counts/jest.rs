//! jest: `Test Suites: 1 failed, 2 total` and, on the next line, `Tests: 1 failed, 2 total`.

use super::Tally;
use super::clean::{items, of};

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    let summaries = lines.windows(2).filter_map(|pair| {
        let suites = items(pair[0].strip_prefix("Test Suites:")?, ", ")?;
        // A suite count may read "0 of 1 total".
        let tests = items(pair[1].strip_prefix("Tests:")?, ", ")?;
        Some(tally(&suites, &tests))
    });
    // The words of a run that found nothing have no counts beside them.
    let nothing = lines
        .iter()
        .filter(|l| l.starts_with("No tests found, exiting with code "))
        .map(|_| Tally::new(0, 0, 0));
    Tally::sum(summaries.chain(nothing))
}

fn tally(suites: &[(u64, &str)], tests: &[(u64, &str)]) -> Tally {
    let failed = of(tests, &["failed"]);
    let passed = of(tests, &["passed"]);
    let skipped = of(tests, &["skipped", "todo", "pending"]);
    let shown = failed.saturating_add(passed).saturating_add(skipped);
    // A suite that cannot be loaded has no tests; it counts as one that failed.
    let failed = failed.max(of(suites, &["failed"]));
    Tally::new(passed.saturating_add(failed), failed, skipped).shows(shown, of(tests, &["total"]))
}
