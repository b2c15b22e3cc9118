//! What an audit observed, one entry a recorded outcome.

use crate::check::{Outcome, Reason, Status};
use crate::session::event::{Finding, FindingKind, Scenario};
use crate::session::state::{Audit, AuditCheck};

/// The severity of what only polish is missing of.
pub const POLISH: &str = "polish";

/// One outcome as it counts.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The id of the run: a scenario has one of its own.
    pub id: &'a str,
    pub scenario: Option<&'a Scenario>,
    pub status: Status,
    pub flaky: bool,
    /// For people; empty for a pass.
    pub why: String,
}

/// Everything that was observed, in the order of the journal. All of it counts: a later pass does
/// not take back that the same check was red on the same product.
pub fn all(audit: &Audit) -> Vec<Seen<'_>> {
    audit.checks.iter().map(|check| one(audit, check)).collect()
}

fn one<'a>(audit: &Audit, check: &'a AuditCheck) -> Seen<'a> {
    let scenario = check.scenario.as_ref();
    let id = check.check.as_str();
    let seen = |status, flaky, why| Seen { id, scenario, status, flaky, why };
    let outcome: Outcome = match check.outcome.read() {
        Ok(outcome) => outcome,
        Err(e) => return seen(Status::NotRun, false, format!("its record is unreadable: {e}")),
    };
    if outcome.is_pass() && outcome.commit() != audit.tip.to_string() {
        let why = format!("it ran on another commit, {}", outcome.commit());
        return seen(Status::NotRun, false, why);
    }
    let why = match (outcome.is_pass(), outcome.detail()) {
        (true, _) => String::new(),
        (false, "") => outcome.reason().word(),
        (false, detail) => format!("{} ({detail})", outcome.reason()),
    };
    seen(outcome.status(), outcome.reason() == Reason::Flaky, why)
}

impl Seen<'_> {
    /// Whether it is a run of that check of the spec.
    pub fn is_check(&self, id: &str) -> bool {
        self.scenario.is_none() && self.id == id
    }

    pub fn is_polish(&self) -> bool {
        self.scenario.is_some_and(|s| s.severity == POLISH)
    }

    pub fn subject(&self) -> String {
        match self.scenario {
            Some(scenario) => format!("scenario {}", scenario.id),
            None => format!("check {}", self.id),
        }
    }

    /// Whether this run is what the finding is about, so that it says nothing new.
    pub fn says(&self, finding: &Finding) -> bool {
        let same = match (self.status, finding.kind) {
            (Status::Failed, FindingKind::ProductFailure) => true,
            (Status::NotRun, FindingKind::ProofGap) => true,
            (Status::Passed | Status::Failed | Status::NotRun, _) => false,
        };
        same && finding.check.as_deref() == Some(self.id)
    }

    pub fn sentence(&self) -> String {
        match self.status {
            Status::Passed => "Passed.".to_owned(),
            Status::Failed => format!("Failed in the audit: {}", self.why),
            Status::NotRun => format!("Not run in the audit: {}", self.why),
        }
    }
}
