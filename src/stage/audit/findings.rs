//! From a red outcome to a typed finding: a product failure with the command that shows it, or a
//! proof gap. Only the first is ever repaired.

use crate::base::Result;
use crate::check::{Outcome, Status};
use crate::session::event::{Finding, FindingKind, Scenario, Severity};
use crate::spec::Check;
use crate::stage::Context;
use crate::stage::repair::failure_of;

pub fn finding_of(
    ctx: &Context<'_>,
    check: &Check,
    group: Option<&str>,
    scenario: Option<&Scenario>,
    outcome: &Outcome,
) -> Result<Option<Finding>> {
    let kind = match outcome.status() {
        Status::Passed => return Ok(None),
        Status::Failed => FindingKind::ProductFailure,
        Status::NotRun => FindingKind::ProofGap,
    };
    let what = scenario.map_or_else(|| check.id.clone(), |s| s.title.clone());
    let (group, failure) = match kind {
        FindingKind::ProductFailure => {
            let (to, failure) = failure_of(ctx, check, group, outcome)?;
            (to, Some(failure))
        }
        FindingKind::ProofGap | FindingKind::Scope | FindingKind::Opinion => {
            (group.map(str::to_owned), None)
        }
    };
    Ok(Some(Finding {
        id: check.id.clone(),
        kind,
        severity: scenario.map_or(Severity::Critical, |s| s.severity),
        text: match outcome.before() {
            Some(before) => {
                let (detail, reason) = (outcome.detail(), outcome.reason());
                format!("{what}: {detail} ({reason}); {}", before.sentence())
            }
            None => format!("{what}: {} ({})", outcome.detail(), outcome.reason()),
        },
        features: check.features.clone(),
        group,
        check: Some(check.id.clone()),
        reproduction: reproduction(check),
        evidence: outcome.evidence().iter().map(ToString::to_string).collect(),
        beyond: None,
        failure,
    }))
}

/// What a person would type to see it.
pub(super) fn reproduction(check: &Check) -> String {
    crate::stage::build::describe_check(check)
}
