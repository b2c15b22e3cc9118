//! The Test Anything Protocol, versions 12 to 14 (bats, prove, tape, `mocha -R tap`): a plan
//! `1..3` and one `ok` or `not ok` line for each test. Nested tests are part of the line above
//! them. <https://testanything.org/tap-version-14-specification.html>

use std::sync::LazyLock;

use regex::Regex;

use super::{Completeness, Tally};

static PLAN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^1\.\.(\d+)\s*(?:#.*)?$").expect("because it is a constant"));
static NUMBERED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(not ok|ok) +\d+(?: .*)?$").expect("because it is a constant"));
/// Numbers are optional, but `ok  <tab>package` is go's.
static POINT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(not ok|ok)(?: [^\t]*)?$").expect("because it is a constant"));
static DIRECTIVE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:^|[^\\])# ?(skip|todo)").expect("because it is a constant")
});

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    let version = |l: &&&str| matches!(l.trim_end(), "TAP version 13" | "TAP version 14");
    let versions = lines.iter().filter(version).count();
    let plans: Vec<u64> = lines
        .iter()
        .filter_map(|l| PLAN.captures(l.trim_end()))
        .map(|plan| plan[1].parse().unwrap_or(u64::MAX))
        .collect();
    let form = if versions > 0 || !plans.is_empty() { &*POINT } else { &*NUMBERED };
    let (mut points, mut failed, mut skipped) = (0u64, 0u64, 0u64);
    for line in lines {
        let line = line.trim_end();
        let Some(point) = form.captures(line) else { continue };
        points += 1;
        let directive = DIRECTIVE.captures(line).map(|d| d[1].to_ascii_lowercase());
        match (&point[1], directive.as_deref()) {
            ("ok", Some("skip")) | ("not ok", Some("skip")) => skipped += 1,
            // A test that is not done yet is expected to fail.
            ("not ok", Some("todo")) => skipped += 1,
            ("not ok", _) => failed += 1,
            (_, _) => {}
        }
    }
    if points == 0 && versions == 0 && plans.is_empty() {
        return None;
    }
    // Several documents in one output: their plans and points must add up.
    let planned = plans.iter().fold(0u64, |sum, n| sum.saturating_add(*n));
    let bailed = lines.iter().any(|l| l.starts_with("Bail out!"));
    let mut tally = Tally::new(points - skipped, failed, skipped).shows(points, planned);
    if plans.is_empty() || plans.len() < versions || bailed {
        tally.completeness = Completeness::Cut;
    }
    Some(tally)
}
