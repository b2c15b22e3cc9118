//! vitest: ` Test Files  1 failed (1)` and, on the next line, `      Tests  1 failed | 1 passed (2)`.

use super::Tally;
use super::clean::{items, of};

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    let summaries = lines.windows(2).filter_map(|pair| {
        let (files, _) = total(pair[0].strip_prefix(" Test Files  ")?)?;
        let tests = pair[1].strip_prefix("      Tests  ")?.trim_end();
        let broken = of(&files, &["failed"]);
        if tests == "no tests" {
            return Some(Tally::new(broken, broken, 0));
        }
        let (tests, total) = total(tests)?;
        let failed = of(&tests, &["failed"]);
        let passed = of(&tests, &["passed"]);
        // What is expected to fail shows nothing that works.
        let skipped = of(&tests, &["skipped", "todo", "expected fail"]);
        let shown = failed.saturating_add(passed).saturating_add(skipped);
        // A file that cannot be loaded has no tests; it counts as one that failed.
        let failed = failed.max(broken);
        let run = passed.saturating_add(failed);
        Some(Tally::new(run, failed, skipped).shows(shown, total))
    });
    let nothing = lines
        .iter()
        .filter(|l| l.starts_with("No test files found, exiting with code "))
        .map(|_| Tally::new(0, 0, 0));
    Tally::sum(summaries.chain(nothing))
}

/// `1 failed | 1 passed (2)`.
fn total(text: &str) -> Option<(Vec<(u64, &str)>, u64)> {
    let (list, total) = text.trim_end().strip_suffix(')')?.rsplit_once(" (")?;
    Some((items(list, " | ")?, total.parse().ok()?))
}
