//! What one outcome means beside another: the run on the base, and the second run.

use crate::check::{Outcome, Reason, Status, TestCounts};
use crate::spec::model::Purpose;

/// An acceptance check that passes without the feature proves nothing: the outcome to record
/// instead of its later passes, or `None` when the check is worth running. One that is known to
/// pass there now and then is no better.
pub fn against_base(purpose: Purpose, on_base: &Outcome) -> Option<Outcome> {
    let passed = on_base.is_pass() || on_base.reason() == Reason::Flaky;
    match purpose {
        Purpose::Acceptance if passed => {
            let detail = "it passes on the base too, without the feature".to_owned();
            Some(on_base.clone().demoted(Reason::ProvesNothing, detail))
        }
        Purpose::Acceptance | Purpose::Regression => None,
    }
}

/// A pass with fewer tests than ran on the base says nothing about those that are missing: what was
/// deleted, deselected or skipped since.
pub fn against_counts(on_base: Option<TestCounts>, here: Outcome) -> Outcome {
    let (Some(before), Some(now)) = (on_base, here.tests()) else { return here };
    if !here.is_pass() || now.run >= before.run {
        return here;
    }
    let detail = format!("{} tests ran on the base and {} here", before.run, now.run);
    here.demoted(Reason::FewerTests, detail)
}

/// The outcome of a check that was run again because the first run was red. A check that says
/// both is flaky, and has failed; its facts are those of the red run.
pub fn after_rerun(first: Outcome, second: Outcome) -> Outcome {
    match (first.status(), second.status()) {
        (Status::Passed, Status::Passed) => first,
        (Status::Failed | Status::NotRun, Status::Passed) => flaky(first, &second, "then passed"),
        (Status::Passed, Status::Failed | Status::NotRun) => {
            flaky(second, &first, "after it had passed")
        }
        (Status::NotRun, Status::Failed) => second.with_evidence_of(&first),
        (Status::Failed, Status::Failed | Status::NotRun) | (Status::NotRun, Status::NotRun) => {
            first.with_evidence_of(&second)
        }
    }
}

fn flaky(red: Outcome, other: &Outcome, then: &str) -> Outcome {
    let detail = format!("{} ({}), {then}", red.reason(), red.detail());
    red.demoted(Reason::Flaky, detail).with_evidence_of(other)
}
