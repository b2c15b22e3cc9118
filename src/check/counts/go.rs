//! `go test`: with `-v` each test's `=== RUN` and `--- PASS:` lines, without it one line for each
//! package. The unit is then the package: `ok` says that at least one test ran in it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::{Tally, go_json};

static RUN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^=== RUN +(\S+)$").expect("because it is a constant"));
/// Not anchored: what a test prints without a line end stands before it.
static END: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"--- (PASS|FAIL|SKIP): (\S+) \([\d.]+s\)$").expect("because it is a constant")
});
static PACKAGE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(ok  |FAIL|\?   )\t(\S+)(?:[\t ](.*))?$").expect("because it is a constant")
});

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Pass,
    Fail,
    Skip,
}

impl End {
    pub(super) fn of(word: &str) -> Option<End> {
        match word {
            "PASS" | "pass" => Some(End::Pass),
            "FAIL" | "fail" => Some(End::Fail),
            "SKIP" | "skip" => Some(End::Skip),
            _ => None,
        }
    }
}

/// Started tests of one package and how they ended.
pub(super) type Tests = BTreeMap<String, Option<End>>;

/// The end that a line of output tells, if it is that of a test which is running.
pub(super) fn note_end(tests: &mut Tests, line: &str) {
    if let Some(end) = END.captures(line.trim_end())
        && let Some(state @ None) = tests.get_mut(&end[2])
    {
        *state = End::of(&end[1]);
    }
}

/// Counts of one package that ended so; `None` is a package whose own end is missing.
pub(super) fn package(tests: &Tests, end: Option<End>) -> Tally {
    let below = |name: &str| {
        let prefix = format!("{name}/");
        let children =
            tests.range(prefix.clone()..).take_while(move |(n, _)| n.starts_with(&prefix));
        children.map(|(_, end)| *end)
    };
    let (mut run, mut failed, mut skipped, mut open) = (0, 0, 0, 0);
    for (name, state) in tests {
        // A test with subtests is only counted for itself when it failed by itself.
        let parent = below(name).next().is_some();
        match (state, end) {
            (Some(End::Fail), _) if below(name).any(|e| e == Some(End::Fail)) => {}
            (Some(End::Fail), _) | (None, Some(End::Fail)) => {
                run += 1;
                failed += 1;
            }
            (None, Some(End::Pass | End::Skip) | None) => open += 1,
            (Some(End::Pass | End::Skip), _) if parent => {}
            (Some(End::Pass), _) => run += 1,
            (Some(End::Skip), _) => skipped += 1,
        }
    }
    // It does not compile, or died outside of a test.
    if end == Some(End::Fail) && failed == 0 {
        failed = 1;
        run += 1;
    }
    let tally = Tally::new(run, failed, skipped).shows(open, 0);
    if end.is_none() { tally.plus(Tally::cut()) } else { tally }
}

/// The remark of a package whose tests did not run: go printed what they said another time.
pub(super) fn is_cached(remark: &str) -> bool {
    remark.split_whitespace().any(|word| word == "(cached)")
}

/// All tests of a package whose result was only remembered.
pub(super) fn not_run_now(tests: &Tests) -> Tally {
    Tally::new(0, 0, (tests.len() as u64).max(1))
}

pub(super) fn parse(lines: &[&str]) -> Option<Tally> {
    if let Some(tally) = go_json::parse(lines) {
        return Some(tally);
    }
    let (mut tests, mut sum, mut bare): (Tests, Option<Tally>, Option<End>) =
        (Tests::new(), None, None);
    let mut add = |t: Tally| sum = Some(sum.map_or(t, |s| s.plus(t)));
    for line in lines {
        let line = line.trim_end();
        if let Some(run) = RUN.captures(line) {
            tests.insert(run[1].to_owned(), None);
            bare = None;
        } else if matches!(line, "PASS" | "FAIL") {
            bare = End::of(line);
        } else if let Some(found) = PACKAGE.captures(line) {
            let rest = found.get(3).map_or("", |m| m.as_str());
            let tests = std::mem::take(&mut tests);
            add(match &found[1] {
                "ok  " if is_cached(rest) => not_run_now(&tests),
                "FAIL" => package(&tests, Some(End::Fail)),
                "ok  " if !tests.is_empty() => package(&tests, Some(End::Pass)),
                "ok  " if !rest.contains("[no tests to run]") => Tally::new(1, 0, 0),
                _ => Tally::new(0, 0, 0),
            });
        } else {
            note_end(&mut tests, line);
        }
    }
    // A test binary that is called directly ends with a bare word.
    if !tests.is_empty() {
        add(package(&tests, bare));
    }
    sum
}
