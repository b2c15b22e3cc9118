//! What a check ended with: the record that the journal, the cache and the proof carry.

use std::fmt;
use std::ops::Add;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::before::Before;
use super::gate::Earned;
pub use super::reason::{Reason, Status};
use crate::base::Sha256;

/// Numbers of tests. `run` are those that were executed (passed and failed, without `skipped`);
/// `failed` is part of `run`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestCounts {
    pub run: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Add for TestCounts {
    type Output = TestCounts;
    fn add(self, other: TestCounts) -> TestCounts {
        TestCounts {
            run: self.run.saturating_add(other.run),
            failed: self.failed.saturating_add(other.failed),
            skipped: self.skipped.saturating_add(other.skipped),
        }
    }
}

impl fmt::Display for TestCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} run, {} failed, {} skipped", self.run, self.failed, self.skipped)
    }
}

/// The content address of a stored piece of evidence, written `sha256:<64 hex digits>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EvidenceRef(pub Sha256);

impl fmt::Display for EvidenceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

impl FromStr for EvidenceRef {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let hex = s.strip_prefix("sha256:");
        let hex = hex.ok_or_else(|| format!("'{s}' does not start with 'sha256:'"))?;
        hex.parse().map(EvidenceRef)
    }
}

impl TryFrom<String> for EvidenceRef {
    type Error = String;
    fn try_from(s: String) -> Result<Self, String> {
        s.parse()
    }
}

impl From<EvidenceRef> for String {
    fn from(e: EvidenceRef) -> String {
        e.to_string()
    }
}

/// What was judged, for how long, and what was kept of it. Measured by whoever ran the check.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Provenance {
    /// Object ids in hex. An outcome without them cannot pass.
    pub commit: String,
    pub tree: String,
    /// Seconds of wall time.
    pub duration_s: f64,
    pub evidence: Vec<EvidenceRef>,
}

/// The end of one check. Read-only: made by the [`gate`](super::gate), by [`Outcome::red`] for
/// what never got that far, or by reading a record back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Record", into = "Record")]
pub struct Outcome(Record);

/// The written form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    outcome: Status,
    reason: Reason,
    #[serde(default)]
    detail: String,
    tests: Option<TestCounts>,
    exit: Option<i32>,
    signal: Option<i32>,
    duration_s: f64,
    commit: String,
    tree: String,
    evidence: Vec<EvidenceRef>,
    /// What a red check said on the base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Before>,
}

/// A reason that does not pass, or `None`.
fn red_only(reason: Reason) -> Option<Reason> {
    match reason.status() {
        Status::Passed => None,
        Status::Failed | Status::NotRun => Some(reason),
    }
}

impl Outcome {
    /// A pass. Only the gate can make the [`Earned`] that it takes.
    pub(super) fn passed(earned: Earned, detail: String, of: Provenance) -> Self {
        let (tests, exit) = earned.facts();
        Self::record(Reason::Ok, detail, of).with_tests(tests).with_exit(exit)
    }

    /// An outcome that is not a pass. `detail` is one line for people.
    ///
    /// [`Reason::Ok`] is no reason for red; it is recorded as [`Reason::Protocol`], because a
    /// caller that claims it did not ask the gate.
    pub fn red(reason: Reason, detail: impl Into<String>, of: Provenance) -> Self {
        Self::record(red_only(reason).unwrap_or(Reason::Protocol), detail.into(), of)
    }

    fn record(reason: Reason, detail: String, of: Provenance) -> Self {
        let Provenance { commit, tree, duration_s, evidence } = of;
        // JSON has no infinity: such a record could be written and never read.
        let duration_s = if duration_s.is_finite() { duration_s.max(0.0) } else { 0.0 };
        Self(Record {
            outcome: reason.status(),
            reason,
            detail: detail.split_whitespace().collect::<Vec<_>>().join(" "),
            tests: None,
            exit: None,
            signal: None,
            duration_s,
            commit,
            tree,
            evidence,
            before: None,
        })
    }

    pub(super) fn with_tests(mut self, tests: Option<TestCounts>) -> Self {
        self.0.tests = tests;
        self
    }
    pub(super) fn with_exit(mut self, exit: Option<i32>) -> Self {
        self.0.exit = exit;
        self
    }
    pub(super) fn with_signal(mut self, signal: Option<i32>) -> Self {
        self.0.signal = signal;
        self
    }
    /// The same facts under another, not passing, reason.
    pub(super) fn demoted(mut self, reason: Reason, detail: String) -> Self {
        let reason = red_only(reason).unwrap_or(Reason::Protocol);
        self.0.outcome = reason.status();
        self.0.reason = reason;
        self.0.detail = detail;
        self
    }
    /// The same with its line for people said otherwise.
    pub(super) fn retold(mut self, say: impl Fn(&str) -> String) -> Self {
        self.0.detail = say(&self.0.detail);
        self
    }
    /// Adds what else was kept.
    pub(super) fn with_evidence(mut self, more: Vec<EvidenceRef>) -> Self {
        self.0.evidence.extend(more);
        self
    }
    /// The same with another account of what was judged.
    pub(super) fn of(mut self, of: Provenance) -> Self {
        let Provenance { commit, tree, duration_s, evidence } = of;
        self.0 = Record { commit, tree, duration_s, evidence, ..self.0 };
        self
    }
    /// A red one beside what it said on the base.
    pub fn beside(mut self, before: Option<Before>) -> Self {
        self.0.before = before.filter(|_| !self.is_pass());
        self
    }
    /// Adds the evidence of another run of the same check.
    pub(super) fn with_evidence_of(mut self, other: &Outcome) -> Self {
        for e in &other.0.evidence {
            if !self.0.evidence.contains(e) {
                self.0.evidence.push(*e);
            }
        }
        self
    }

    pub fn status(&self) -> Status {
        self.0.outcome
    }
    pub fn is_pass(&self) -> bool {
        self.0.outcome == Status::Passed
    }
    pub fn reason(&self) -> Reason {
        self.0.reason
    }
    /// One line for people.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }
    pub fn tests(&self) -> Option<TestCounts> {
        self.0.tests
    }
    pub fn exit(&self) -> Option<i32> {
        self.0.exit
    }
    pub fn signal(&self) -> Option<i32> {
        self.0.signal
    }
    /// Seconds.
    pub fn duration_s(&self) -> f64 {
        self.0.duration_s
    }
    pub fn commit(&self) -> &str {
        &self.0.commit
    }
    pub fn tree(&self) -> &str {
        &self.0.tree
    }
    /// What it said on the base, of a red one that was run there.
    pub fn before(&self) -> Option<&Before> {
        self.0.before.as_ref()
    }
    pub fn evidence(&self) -> &[EvidenceRef] {
        &self.0.evidence
    }
}

impl From<Outcome> for Record {
    fn from(o: Outcome) -> Record {
        o.0
    }
}

/// A record is checked when it is read: one that contradicts itself is corrupt, not a pass.
impl TryFrom<Record> for Outcome {
    type Error = String;
    fn try_from(r: Record) -> Result<Self, String> {
        if r.outcome != r.reason.status() {
            return Err(format!("'{}' is no reason for '{}'", r.reason, r.outcome.word()));
        }
        if let Some(t) = r.tests
            && t.failed > t.run
        {
            return Err(format!("more tests failed ({}) than ran ({})", t.failed, t.run));
        }
        if r.outcome == Status::Passed {
            if r.before.is_some() {
                return Err("a pass beside a failure of the base".to_owned());
            }
            if r.commit.is_empty() || r.tree.is_empty() {
                return Err("a pass without commit and tree".to_owned());
            }
            if r.signal.is_some() {
                return Err("a pass that ended by a signal".to_owned());
            }
            if let Some(t) = r.tests
                && (t.run == 0 || t.failed > 0)
            {
                return Err(format!("a pass with these tests: {t}"));
            }
        }
        Ok(Self(r))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(outcome: &str, reason: &str, tests: &str) -> String {
        format!(
            r#"{{"outcome":"{outcome}","reason":"{reason}","detail":"","tests":{tests},"exit":0,
            "signal":null,"duration_s":1.2,"commit":"c","tree":"t","evidence":["sha256:{}"]}}"#,
            "ab".repeat(32)
        )
    }

    #[test]
    fn the_record_of_the_contract_round_trips() {
        let text = line("passed", "ok", r#"{"run":12,"failed":0,"skipped":1}"#);
        let o: Outcome = serde_json::from_str(&text).unwrap();
        assert!(o.is_pass());
        assert_eq!(o.tests().unwrap().run, 12);
        let again: Outcome = serde_json::from_str(&serde_json::to_string(&o).unwrap()).unwrap();
        assert_eq!(again, o);
    }

    #[test]
    fn a_record_that_contradicts_itself_is_refused() {
        for bad in [
            line("passed", "tests_failed", "null"),
            line("not_run", "ok", "null"),
            line("failed", "zero_tests", "null"),
            line("passed", "ok", r#"{"run":0,"failed":0,"skipped":3}"#),
            line("passed", "ok", r#"{"run":2,"failed":1,"skipped":0}"#),
            line("failed", "tests_failed", r#"{"run":1,"failed":2,"skipped":0}"#),
            line("passed", "ok", "null").replace(r#""commit":"c""#, r#""commit":"""#),
            line("passed", "ok", "null").replace(r#""signal":null"#, r#""signal":9"#),
            line("passed", "ok", "null").replace(r#""detail""#, r#""detial""#),
            line("passed", "ok", "null").replace("sha256:", "md5:"),
            line("passed", "fine", "null"),
        ] {
            assert!(serde_json::from_str::<Outcome>(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn red_cannot_make_a_pass() {
        let o = Outcome::red(Reason::Ok, "claimed", Provenance::default());
        assert_eq!((o.status(), o.reason()), (Status::NotRun, Reason::Protocol));
        let o = Outcome::red(Reason::PrepareFailed, "npm ci\nfailed", Provenance::default());
        assert_eq!((o.status(), o.detail()), (Status::NotRun, "npm ci failed"));
    }

    #[test]
    fn an_endless_duration_can_be_read_back() {
        let of = Provenance { duration_s: f64::INFINITY, ..Provenance::default() };
        let o = Outcome::red(Reason::Timeout, "", of);
        let text = serde_json::to_string(&o).unwrap();
        assert_eq!(serde_json::from_str::<Outcome>(&text).unwrap(), o);
    }
}
