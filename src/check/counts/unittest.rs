//! Python's unittest (and Django's runner): a rule, `Ran 6 tests in 0.001s`, an empty line, and
//! `OK (skipped=1)` or `FAILED (failures=1, errors=1)`.

use std::sync::LazyLock;

use regex::Regex;

use super::Tally;

static RAN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^Ran (\d+) tests? in [\d.]+s$").expect("because it is a constant")
});
static RESULT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$").expect("because it is a constant")
});

/// How far the result may stand below its `Ran` line when something else prints in between.
const NEAR: usize = 8;

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    Tally::sum((1..lines.len()).filter_map(|at| {
        let rule = lines[at - 1].trim_end();
        if rule.len() < 70 || rule.bytes().any(|b| b != b'-') {
            return None;
        }
        let ran: u64 = RAN.captures(lines[at].trim_end())?[1].parse().ok()?;
        let below = &lines[at + 1..lines.len().min(at + 1 + NEAR)];
        Some(match below.iter().find_map(|l| RESULT.captures(l.trim_end())) {
            Some(result) => tally(ran, result.get(1).map_or("", |m| m.as_str())),
            None => Tally::cut(),
        })
    }))
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
            "skipped" => skipped = number,
            // "expected failures" ran and did what they should.
            _ => {}
        }
    }
    Tally::new(ran.saturating_sub(skipped), failed, skipped)
}
