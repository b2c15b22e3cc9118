//! rspec: `Finished in 0.01 seconds (…)` and, on the next line, `4 examples, 1 failure, 2 pending`.

use std::sync::LazyLock;

use regex::Regex;

use super::Tally;

static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(\d+) examples?, (\d+) failures?(?:, (\d+) pending)?(?:, (\d+) errors? occurred outside of examples)?$",
    )
    .expect("because it is a constant")
});

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    Tally::sum(lines.windows(2).filter_map(|pair| {
        if !pair[0].starts_with("Finished in ") {
            return None;
        }
        let found = SUMMARY.captures(pair[1].trim_end())?;
        let n = |i: usize| found.get(i).map_or(Ok(0), |m| m.as_str().parse::<u64>());
        let (examples, failures) = (n(1).ok()?, n(2).ok()?);
        let (pending, errors) = (n(3).ok()?, n(4).ok()?);
        let failed = failures.saturating_add(errors);
        let run = examples.saturating_sub(pending).saturating_add(errors);
        Some(Tally::new(run, failed, pending))
    }))
}
