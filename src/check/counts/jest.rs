//! jest: `Test Suites: 1 failed, 2 total`, `Tests: 1 failed, 2 total` and `Snapshots: 0 total`.

use super::Tally;
use super::clean::{items, of};

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    let summaries = lines.windows(3).filter_map(|pair| {
        // A line of its own kind may be printed by a test; jest's is between two others.
        if !pair[2].starts_with("Snapshots:") {
            return None;
        }
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
    // Printed where a project asked for it; a silent retry leaves no trace in jest's report.
    let retried = lines.iter().filter(|l| l.starts_with(" LOGGING RETRY ERRORS")).count() as u64;
    Some(Tally::sum(summaries.chain(nothing))?.retried(retried))
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
