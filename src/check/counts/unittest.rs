//! Python's unittest (and Django's runner): a rule, `Ran 6 tests in 0.001s`, an empty line, and
//! `OK (skipped=1)` or `FAILED (failures=1, errors=1)`.

use std::sync::LazyLock;

use regex::Regex;

use super::Tally;

static RAN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^Ran (\d+) tests? in [\d.]+s$").expect("because it is a constant")
});
static RESULT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:OK|FAILED|NO TESTS RAN)(?: \(([a-z ]+=\d+(?:, [a-z ]+=\d+)*)\))?$")
        .expect("because it is a constant")
});

/// How far the result may stand below its `Ran` line when something else prints in between.
const NEAR: usize = 8;

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    Tally::sum((1..lines.len()).filter_map(|at| {
        if !is_rule(lines[at - 1]) {
            return None;
        }
        let ran: u64 = RAN.captures(lines[at].trim_end())?[1].parse().ok()?;
        let below = &lines[at + 1..lines.len().min(at + 1 + NEAR)];
        let next = below.iter().position(|l| is_rule(l)).unwrap_or(below.len());
        let below = &below[..next];
        let again = below.iter().filter_map(|l| RAN.captures(l.trim_end())?[1].parse().ok());
        let ran = again.fold(ran, u64::min);
        // Something else may print an OK in between; of several the worst is believed.
        let results = below.iter().filter_map(|l| RESULT.captures(l.trim_end()));
        let results = results.map(|r| tally(ran, r.get(1).map_or("", |m| m.as_str())));
        Some(results.max_by_key(|t| (t.counts.failed, t.counts.skipped)).unwrap_or_else(Tally::cut))
    }))
}

fn is_rule(line: &str) -> bool {
    let line = line.trim_end();
    line.len() >= 70 && line.bytes().all(|b| b == b'-')
}

fn tally(ran: u64, remarks: &str) -> Tally {
    let (mut failed, mut skipped) = (0u64, 0u64);
    for remark in remarks.split(", ") {
        let Some((word, number)) = remark.split_once('=') else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        match word {
            "failures" | "errors" | "unexpected successes" => {
                failed = failed.saturating_add(number);
            }
            // What is expected to fail shows nothing that works.
            "skipped" | "expected failures" => skipped = skipped.saturating_add(number),
            _ => {}
        }
    }
    Tally::new(ran.saturating_sub(skipped), failed, skipped)
}
