//! The edge of the audit: runs, records, reports.

use super::certifier::{Observed, can_be_asked, certify};
use super::findings::finding_of;
use super::scenarios::load_scenarios;
use crate::base::{Json, Result};
use crate::check::Outcome;
use crate::check::batch::{Caching, Ran};
use crate::disk::lock::{self, Run};
use crate::process::stop;
use crate::session::event::{
    self, AuditChecked, AuditFinding, AuditFinished, AuditScope, AuditStarted, Certifier,
};
use crate::session::journal::Entry;
use crate::session::state::State;
use crate::spec::{Check, Group, Purpose};
use crate::stage::merge::queue::features_are_in;
use crate::stage::merge::settled_tip;
use crate::stage::{Context, Item};

/// What is audited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Full,
    /// Only these checks and scenarios, by id: after a repair.
    Narrowed(Vec<String>),
}

/// One thing to run.
struct Planned {
    check: Check,
    group: Option<String>,
    scenario: Option<event::Scenario>,
}

/// Audits the integration tip. Returns the ids of what was not green.
pub fn audit(ctx: &Context<'_>, scope: &Scope) -> Result<Vec<String>> {
    let path = ctx.ws.layout.audit_lock(&ctx.session.id);
    let _held = lock::try_hold::<Run>(&path)?.map_err(lock::Busy::into_error)?;
    let tip = settled_tip(ctx)?;
    let state = ctx.state()?;
    let round = state.audits.iter().map(|a| a.round).max().unwrap_or(0) + 1;
    let planned = plan(ctx, &state, scope)?;
    if *scope == Scope::Full {
        can_be_asked(ctx)?;
    }
    ctx.append(Entry::new(AuditStarted {
        round,
        tip,
        scope: match scope {
            Scope::Full => AuditScope::Full,
            Scope::Narrowed(_) => AuditScope::Narrowed,
        },
        spec: Some(ctx.spec_sha256()),
    }))?;
    ctx.report.say(&format!(
        "auditing {} from a clean worktree: {}",
        tip.short(),
        crate::base::text::count(planned.len(), "check")
    ));
    let empty = unproven(ctx, &planned, scope)?;
    let checks: Vec<&Check> = planned.iter().map(|p| &p.check).collect();
    let mut at = 0;
    let mut red = Vec::new();
    let mut observed = Vec::new();
    let ran =
        ctx.bench()?.run(&checks, tip, ctx.base(), Caching::Never, || ctx.left(), &mut |ran| {
            let item = &planned[at];
            at += 1;
            // A check across groups that was green before anything was built proves nothing.
            let outcome = match empty.iter().find(|e| e.check == ran.check) {
                Some(nothing) if ran.outcome.is_pass() => nothing.outcome.clone(),
                Some(_) | None => ran.outcome.clone(),
            };
            observed.push(Observed {
                check: ran.check.clone(),
                title: item.scenario.as_ref().map(|s| s.title.clone()),
                outcome: outcome.clone(),
            });
            if !outcome.is_pass() {
                red.push(ran.check.clone());
            }
            record(ctx, round, item, outcome)
        });
    ran?;
    stop::check()?;
    let certifier = match scope {
        Scope::Full => certify(ctx, round, tip, &observed)?,
        Scope::Narrowed(_) => Certifier::NotAsked,
    };
    ctx.append(Entry::new(AuditFinished { round, tip, certifier }))?;
    crate::stage::merge::anchor(ctx)?;
    Ok(red)
}

fn plan(ctx: &Context<'_>, state: &State, scope: &Scope) -> Result<Vec<Planned>> {
    let is_in = |g: &Group| {
        state.phase(&g.id).is_in() || state.group(&g.id).is_some_and(|g| g.landed.is_some())
    };
    let own = ctx.spec.groups.iter().filter(|g| is_in(g)).flat_map(|g| {
        g.checks.iter().map(|c| Planned {
            check: c.clone(),
            group: Some(g.id.clone()),
            scenario: None,
        })
    });
    let across = ctx
        .spec
        .cross_group_checks
        .iter()
        .filter(|c| {
            c.purpose == Purpose::Regression || features_are_in(&ctx.spec, state, &c.features, "")
        })
        .map(|c| Planned { check: c.clone(), group: None, scenario: None });
    let mut planned: Vec<Planned> = own.chain(across).collect();
    for scenario in load_scenarios(ctx)? {
        if !features_are_in(&ctx.spec, state, &scenario.record.features, "") {
            continue;
        }
        let check = scenario.as_check();
        planned.push(Planned { check, group: None, scenario: Some(scenario.record) });
    }
    if let Scope::Narrowed(ids) = scope {
        planned.retain(|p| ids.contains(&p.check.id));
    }
    Ok(planned)
}

/// Acceptance checks across groups that are green on the session's base. Those of groups were
/// asked before the group was built.
fn unproven(ctx: &Context<'_>, planned: &[Planned], scope: &Scope) -> Result<Vec<Ran>> {
    if *scope != Scope::Full {
        return Ok(Vec::new());
    }
    let across: Vec<&Check> = planned
        .iter()
        .filter(|p| p.group.is_none() && p.scenario.is_none())
        .map(|p| &p.check)
        .collect();
    ctx.bench()?.proves_nothing(&across, ctx.base(), || ctx.left(), &mut |_| Ok(()))
}

fn record(ctx: &Context<'_>, round: u32, item: &Planned, outcome: Outcome) -> Result<()> {
    let written = Json::of(&outcome)?;
    ctx.report.item(&Item::Check {
        check: item.check.id.clone(),
        phase: "audit",
        group: item.group.clone(),
        outcome: written.clone(),
        cached: false,
    });
    let event = AuditChecked {
        round,
        check: item.check.id.clone(),
        scenario: item.scenario.clone(),
        outcome: written,
    };
    let entry = match &item.group {
        Some(gid) => Entry::group(gid, event),
        None => Entry::new(event),
    };
    ctx.append(entry)?;
    let owner = item.group.as_deref();
    if let Some(finding) = finding_of(ctx, &item.check, owner, item.scenario.as_ref(), &outcome) {
        ctx.report.item(&Item::Finding { finding: finding.clone() });
        ctx.append(Entry::new(AuditFinding { round, finding }))?;
    }
    Ok(())
}
