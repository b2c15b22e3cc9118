//! What an audit observed, one entry a recorded outcome.

use super::{Condition, NOT_AUDITED, ProductVerdict};
use crate::check::{Outcome, Reason, Status};
use crate::session::State;
use crate::session::event::{Control, Finding, FindingKind, Scenario, Severity};
use crate::session::state::{Audit, AuditCheck};
use crate::spec::Spec;

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
/// not take back that the same check was red on the same product. What a judge asked for counts only
/// as the finding that was made of it.
pub fn all(audit: &Audit) -> Vec<Seen<'_>> {
    audit.checks.iter().filter(|c| !is_exploration(c)).map(|check| one(audit, check)).collect()
}

/// Whether a judge asked for it, to see what happens.
pub fn is_exploration(check: &AuditCheck) -> bool {
    check.asked.as_ref().is_some_and(|asked| !asked.again)
}

/// Ids of what judges asked for and what failed.
pub fn failed_probes(audit: &Audit) -> impl Iterator<Item = &str> {
    let asked = audit.checks.iter().filter(|c| is_exploration(c));
    asked.filter(|c| one(audit, c).is_failed()).map(|c| c.check.as_str())
}

/// Checks of the spec that were green on the product without the work too.
pub fn of_nothing<'a>(spec: &'a Spec, state: &'a State) -> impl Iterator<Item = &'a str> {
    let is_of_nothing = |id: &str| {
        state.controls.get(id).is_some_and(|(control, judged)| {
            *control == Control::EvidenceOfNothing && *judged == state.tip()
        })
    };
    spec.checks().map(|(_, check)| check.id.as_str()).filter(move |id| is_of_nothing(id))
}

pub const OF_NOTHING: &str = "It stays green when the work that it speaks for is taken away.";

/// What the observations are to the product.
pub fn judge(out: &mut ProductVerdict, spec: &Spec, state: &State, seen: &[Seen<'_>]) {
    for id in of_nothing(spec, state) {
        out.met(Condition::EvidenceOfNothing, format!("check {id}"), OF_NOTHING);
    }
    for one in seen {
        if let Some(condition) = one.condition() {
            out.met(condition, one.subject(), one.sentence());
        }
    }
    for (_, check) in spec.checks() {
        if !seen.iter().any(|s| s.is_check(&check.id)) {
            let subject = format!("check {}", check.id);
            out.met(Condition::CheckLeftOut, subject, NOT_AUDITED);
        }
    }
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

    pub fn is_failed(&self) -> bool {
        self.status == Status::Failed
    }

    /// What it is to the verdict; `None` for a pass.
    pub fn condition(&self) -> Option<Condition> {
        let polish = self.scenario.is_some_and(|s| s.severity == Severity::Polish);
        match self.status {
            Status::Passed => None,
            Status::Failed if polish => Some(Condition::PolishFailed),
            Status::Failed => Some(Condition::CheckFailed),
            Status::NotRun => Some(Condition::CheckNotRun),
        }
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
