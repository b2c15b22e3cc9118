//! Numbers of tests, read from what a test tool printed.
//!
//! Each file knows the reports of one tool. A report is recognised by its structure (a header, a
//! plan, a neighbouring line), so that a line which a test itself prints, or "all tests passed",
//! is nothing. Several reports of one tool, as a workspace prints them, are summed.

mod cargo;
mod clean;
mod ctest;
mod go;
mod go_json;
mod jest;
mod junit;
mod mocha;
mod names;
mod nextest;
mod node;
mod phpunit;
mod pytest;
mod rspec;
mod tap;
mod unittest;
mod vitest;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::TestCounts;
pub use clean::{strip_ansi, whole_lines};
pub use names::failed_names;

/// The kind of report that the counts were read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Pytest,
    Unittest,
    Cargo,
    Nextest,
    Go,
    Jest,
    Vitest,
    Mocha,
    Node,
    Tap,
    Junit,
    Ctest,
    Rspec,
    Phpunit,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Format::Pytest => "pytest",
            Format::Unittest => "unittest",
            Format::Cargo => "cargo test",
            Format::Nextest => "cargo-nextest",
            Format::Go => "go test",
            Format::Jest => "jest",
            Format::Vitest => "vitest",
            Format::Mocha => "mocha",
            Format::Node => "node --test",
            Format::Tap => "TAP",
            Format::Junit => "JUnit XML",
            Format::Ctest => "ctest",
            Format::Rspec => "rspec",
            Format::Phpunit => "phpunit",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the output says about tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    Found {
        format: Format,
        counts: TestCounts,
        completeness: Completeness,
    },
    /// No report of a known tool.
    None,
    /// Reports of several tools that do not agree; none of them is believed over the others.
    Ambiguous {
        found: Vec<(Format, TestCounts)>,
    },
}

/// Whether a report shows all that it announces, and at the first try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Completeness {
    Complete,
    /// Tests failed, and passed when their tool ran them again.
    Retried,
    /// A plan without its results, a started binary without its result, a cut file.
    Cut,
}

/// Counts of one tool's reports, before they are compared with those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tally {
    counts: TestCounts,
    completeness: Completeness,
}

impl Tally {
    fn new(run: u64, failed: u64, skipped: u64) -> Self {
        // A tool may report more failures than tests (an error while tearing down, a file that
        // cannot be loaded). Each of them is then counted as run.
        let counts = TestCounts { run: run.max(failed), failed, skipped };
        Self { counts, completeness: Completeness::Complete }
    }

    fn cut() -> Self {
        Self { counts: TestCounts::default(), completeness: Completeness::Cut }
    }

    /// A report that announces another number than it shows is cut.
    fn shows(mut self, shown: u64, announced: u64) -> Self {
        if shown != announced {
            self.completeness = Completeness::Cut;
        }
        self
    }

    /// Tests that the tool ran again because they had failed.
    fn retried(mut self, tests: u64) -> Self {
        if tests > 0 {
            self.completeness = self.completeness.max(Completeness::Retried);
        }
        self
    }

    fn plus(self, other: Tally) -> Tally {
        let completeness = self.completeness.max(other.completeness);
        Tally { counts: self.counts + other.counts, completeness }
    }

    fn sum(tallies: impl IntoIterator<Item = Tally>) -> Option<Tally> {
        tallies.into_iter().reduce(Tally::plus)
    }
}

type Parser = fn(&[&str]) -> Option<Tally>;

const PARSERS: [(Format, Parser); 13] = [
    (Format::Pytest, pytest::parse),
    (Format::Unittest, unittest::parse),
    (Format::Nextest, nextest::parse),
    (Format::Cargo, cargo::parse),
    (Format::Go, go::parse),
    (Format::Jest, jest::parse),
    (Format::Vitest, vitest::parse),
    (Format::Mocha, mocha::parse),
    (Format::Node, node::parse),
    (Format::Tap, tap::parse),
    (Format::Ctest, ctest::parse),
    (Format::Rspec, rspec::parse),
    (Format::Phpunit, phpunit::parse),
];

/// Reads the counts from raw output; colours are removed first.
///
/// `cargo nextest run` followed by `cargo test --doc` is one suite in two commands, so these two
/// are summed. Two other tools are [`Counted::Ambiguous`] unless they say the same (a console
/// report and a JUnit report of one run); of two that agree, the one with fewer run is believed.
pub fn count(output: &str) -> Counted {
    let text = clean::text(output);
    let (junit, rest) = junit::extract(&text);
    let lines: Vec<&str> = rest.lines().collect();
    let mut found: Vec<(Format, Tally)> = PARSERS
        .iter()
        .filter_map(|(format, parse)| parse(&lines).map(|tally| (*format, tally)))
        .collect();
    let has = |found: &[(Format, Tally)], f| found.iter().any(|(g, _)| *g == f);
    if has(&found, Format::Node) {
        // Its TAP report ends with counts of its own, which also see nested tests.
        found.retain(|(f, _)| *f != Format::Tap);
    }
    if has(&found, Format::Nextest)
        && let Some(at) = found.iter().position(|(f, _)| *f == Format::Cargo)
    {
        let (_, cargo) = found.remove(at);
        for (f, tally) in &mut found {
            if *f == Format::Nextest {
                *tally = tally.plus(cargo);
            }
        }
    }
    if let Some(tally) = junit {
        found.push((Format::Junit, tally));
    }
    let list = || found.iter().map(|(format, tally)| (*format, tally.counts)).collect();
    let Some((format, least)) = found.iter().min_by_key(|(_, t)| t.counts.run) else {
        return Counted::None;
    };
    if !found.iter().all(|(_, t)| agree(t.counts, least.counts)) {
        return Counted::Ambiguous { found: list() };
    }
    let completeness = found.iter().map(|(_, t)| t.completeness).max();
    let completeness = completeness.unwrap_or(Completeness::Complete);
    Counted::Found { format: *format, counts: least.counts, completeness }
}

/// Two reports of one run: pytest's `xfailed` are skipped ones in its JUnit file.
fn agree(a: TestCounts, b: TestCounts) -> bool {
    let total = |t: TestCounts| t.run.saturating_add(t.skipped);
    a.failed == b.failed && total(a) == total(b)
}
