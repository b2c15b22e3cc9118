//! From a red outcome to a typed finding: a product failure with the command that shows it, or a
//! proof gap. Only the first is ever repaired.

use crate::check::{Outcome, Status};
use crate::session::event::{Finding, FindingKind, Scenario, Severity};
use crate::spec::{Check, CheckBody};
use crate::stage::Context;

pub fn finding_of(
    ctx: &Context<'_>,
    check: &Check,
    group: Option<&str>,
    scenario: Option<&Scenario>,
    outcome: &Outcome,
) -> Option<Finding> {
    let kind = match outcome.status() {
        Status::Passed => return None,
        Status::Failed => FindingKind::ProductFailure,
        Status::NotRun => FindingKind::ProofGap,
    };
    let what = scenario.map_or_else(|| check.id.clone(), |s| s.title.clone());
    Some(Finding {
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
        group: group.map(str::to_owned).or_else(|| owner(ctx, &check.features, check)),
        check: Some(check.id.clone()),
        reproduction: reproduction(check),
        evidence: outcome.evidence().iter().map(ToString::to_string).collect(),
        beyond: None,
    })
}

/// The group that a failure across groups goes to: the owner of a path that the check names, else
/// the last group, in spec order, that builds one of its features.
pub(super) fn owner(ctx: &Context<'_>, features: &[String], check: &Check) -> Option<String> {
    let named =
        argv_of(check).iter().find_map(|word| ctx.ownership.owner_of(word).map(str::to_owned));
    named.or_else(|| {
        ctx.spec
            .groups
            .iter()
            .rev()
            .find(|g| features.iter().any(|f| ctx.spec.feature(f).is_some_and(|f| f.group == g.id)))
            .map(|g| g.id.clone())
    })
}

fn argv_of(check: &Check) -> Vec<String> {
    match check.body() {
        Ok(CheckBody::RepoTest(t)) => t.argv,
        Ok(CheckBody::CliProbe(p)) => p.argv,
        Ok(CheckBody::Pytest(t)) => t.select,
        Ok(CheckBody::StateInvariant(i)) => i.files.into_values().collect(),
        Ok(CheckBody::BrowserJourney(j)) => j.argv,
        Ok(CheckBody::TypeCheck(t)) => t.argv,
        Ok(CheckBody::Metric(m)) => m.argv,
        Ok(CheckBody::ImportCheck(i)) => i.path.into_iter().collect(),
        Ok(CheckBody::ApiProbe(_) | CheckBody::External { .. }) | Err(_) => Vec::new(),
    }
}

/// What a person would type to see it.
pub(super) fn reproduction(check: &Check) -> String {
    crate::stage::build::describe_check(check)
}
