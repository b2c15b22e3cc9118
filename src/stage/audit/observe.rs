//! The edge of the audit: runs, records, reports.

use super::certifier::{Case, Observed, ask, can_be_asked};
use super::findings::finding_of;
use super::plan::{Plan, Planned, plan};
use super::scope;
use crate::base::text::count;
use crate::base::{Json, Result};
use crate::check::Outcome;
use crate::check::batch::{Caching, Ran};
use crate::disk::lock::{self, Run};
use crate::git::Oid;
use crate::process::stop;
use crate::session::event::{
    AuditChecked, AuditFinding, AuditFinished, AuditMode, AuditScope, AuditStarted, Certifier,
    Finding, Judge,
};
use crate::session::journal::Entry;
use crate::spec::Check;
use crate::stage::build::{beside_base, first_base, on_session_base};
use crate::stage::merge::settled_tip;
use crate::stage::{Context, Item};

/// What is audited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Full(AuditMode),
    /// Only these checks and scenarios, by id: after a repair. Nobody is asked.
    Narrowed(Vec<String>),
}

impl Scope {
    fn mode(&self) -> AuditMode {
        match self {
            Scope::Full(mode) => *mode,
            Scope::Narrowed(_) => AuditMode::Fast,
        }
    }

    fn word(&self) -> AuditScope {
        match self {
            Scope::Full(_) => AuditScope::Full,
            Scope::Narrowed(_) => AuditScope::Narrowed,
        }
    }
}

/// Audits the integration tip. Returns the ids of what was not green.
pub fn audit(ctx: &Context<'_>, scope: &Scope) -> Result<Vec<String>> {
    let path = ctx.ws.layout.audit_lock(&ctx.session.id);
    let _held = lock::try_hold::<Run>(&path)?.map_err(lock::Busy::into_error)?;
    let tip = settled_tip(ctx)?;
    let state = ctx.state()?;
    let round = state.audits.iter().map(|a| a.round).max().unwrap_or(0) + 1;
    let Plan { planned, left_out } = plan(ctx, &state, scope)?;
    let mode = scope.mode();
    can_be_asked(ctx, mode)?;
    ctx.append(Entry::new(AuditStarted {
        round,
        tip,
        scope: scope.word(),
        mode: Some(mode),
        spec: Some(ctx.spec_sha256()),
        left_out,
    }))?;
    ctx.report.say(&format!(
        "auditing {} from a clean worktree: {}",
        tip.short(),
        count(planned.len(), "check")
    ));
    let mut run = Running { ctx, round, tip, found: Vec::new() };
    let (red, observed) = run.checks(&planned, scope)?;
    stop::check()?;
    let (certifier, adversary) = match scope {
        Scope::Full(_) => {
            run.beyond_the_spec()?;
            let taken: Vec<String> = planned.iter().map(|p| p.check.id.clone()).collect();
            run.judges(mode, &observed, &taken)?
        }
        Scope::Narrowed(_) => (Certifier::NotAsked, None),
    };
    ctx.append(Entry::new(AuditFinished { round, tip, certifier, adversary }))?;
    crate::stage::merge::anchor(ctx)?;
    Ok(red)
}

/// One audit that goes on.
struct Running<'a> {
    ctx: &'a Context<'a>,
    round: u32,
    tip: Oid,
    /// Texts of what was found so far.
    found: Vec<String>,
}

impl Running<'_> {
    fn checks(
        &mut self,
        planned: &[Planned],
        scope: &Scope,
    ) -> Result<(Vec<String>, Vec<Observed>)> {
        let ctx = self.ctx;
        let empty = unproven(ctx, planned, scope)?;
        let checks: Vec<&Check> = planned.iter().map(|p| &p.check).collect();
        let mut at = 0;
        let mut red = Vec::new();
        let mut observed = Vec::new();
        let (bench, left) = (ctx.bench()?, || ctx.left());
        bench.run(&checks, self.tip, ctx.base(), Caching::Never, left, &mut |ran| {
            let item = &planned[at];
            at += 1;
            // A check across groups that was green before anything was built proves nothing.
            let told = ran.run.as_ref().map(Json::of).transpose()?;
            let outcome = match empty.iter().find(|e| e.check == ran.check) {
                Some(nothing) if ran.outcome.is_pass() => nothing.outcome.clone(),
                Some(_) | None => ran.outcome.clone(),
            };
            let outcome = match outcome.is_pass() {
                true => outcome,
                false => {
                    let on_base = on_session_base(ctx, &item.check, self.tip)?;
                    beside_base(ctx, &item.check, outcome, on_base.as_ref())
                }
            };
            observed.push(Observed {
                check: ran.check.clone(),
                title: item.scenario.as_ref().map(|s| s.title.clone()),
                outcome: outcome.clone(),
            });
            if !outcome.is_pass() {
                red.push(ran.check.clone());
            }
            self.record(item, outcome, told)
        })?;
        Ok((red, observed))
    }

    fn record(&mut self, item: &Planned, outcome: Outcome, run: Option<Json>) -> Result<()> {
        let written = Json::of(&outcome)?;
        self.ctx.report.item(&Item::Check {
            check: item.check.id.clone(),
            phase: "audit",
            group: item.group.clone(),
            outcome: written.clone(),
            cached: false,
        });
        let event = AuditChecked {
            round: self.round,
            check: item.check.id.clone(),
            scenario: item.scenario.clone(),
            asked: item.asked.clone(),
            outcome: written,
            run,
        };
        let entry = match &item.group {
            Some(gid) => Entry::group(gid, event),
            None => Entry::new(event),
        };
        self.ctx.append(entry)?;
        let owner = item.group.as_deref();
        match finding_of(self.ctx, &item.check, owner, item.scenario.as_ref(), &outcome)? {
            Some(finding) => self.find(finding),
            None => Ok(()),
        }
    }

    fn find(&mut self, finding: Finding) -> Result<()> {
        self.found.push(format!(
            "{} ({}): {}",
            finding.kind.word(),
            finding.severity,
            finding.text
        ));
        self.ctx.report.item(&Item::Finding { finding: finding.clone() });
        self.ctx.append(Entry::new(AuditFinding { round: self.round, finding }))
    }

    fn beyond_the_spec(&mut self) -> Result<()> {
        for finding in scope::beyond(self.ctx, self.tip)? {
            self.find(finding)?;
        }
        Ok(())
    }

    fn judges(
        &self,
        mode: AuditMode,
        observed: &[Observed],
        taken: &[String],
    ) -> Result<(Certifier, Option<Certifier>)> {
        let Running { ctx, round, tip, found } = self;
        let case = Case { round: *round, tip: *tip, observed, found, taken };
        Ok(match mode {
            AuditMode::Fast => (Certifier::NotAsked, None),
            AuditMode::Standard => (ask(ctx, Judge::Certifier, case)?, None),
            AuditMode::Thorough => {
                let certifier = ask(ctx, Judge::Certifier, case)?;
                let asked = ctx.session.with_state(|s| asked_ids(s, *round))?;
                let taken: Vec<String> = taken.iter().cloned().chain(asked).collect();
                let case = Case { taken: &taken, ..case };
                (certifier, Some(ask(ctx, Judge::Adversary, case)?))
            }
        })
    }
}

/// Ids of what was asked for in a round.
fn asked_ids(state: &crate::session::State, round: u32) -> Vec<String> {
    let audit = state.audits.iter().rev().find(|a| a.round == round);
    let checks = audit.into_iter().flat_map(|a| &a.checks);
    checks.filter(|c| c.asked.is_some()).map(|c| c.check.clone()).collect()
}

/// Acceptance checks across groups that are green on the session's base. Those of groups were
/// asked before the group was built; those that an amendment may have added since are asked now.
fn unproven(ctx: &Context<'_>, planned: &[Planned], scope: &Scope) -> Result<Vec<Ran>> {
    match scope {
        Scope::Narrowed(_) => return Ok(Vec::new()),
        Scope::Full(_) => {}
    }
    let across: Vec<&Check> = planned.iter().filter(|p| p.is_across()).map(|p| &p.check).collect();
    let bench = ctx.bench()?;
    let mut empty = bench.proves_nothing(&across, ctx.base(), || ctx.left(), &mut |_| Ok(()))?;
    if ctx.spec.amendments.is_empty() {
        return Ok(empty);
    }
    let state = ctx.state()?;
    for group in &ctx.spec.groups {
        let own: Vec<&Check> = group.checks.iter().collect();
        if let Some(base) = first_base(group, &state).filter(|b| ctx.ws.repo.has_object(*b)) {
            empty.extend(bench.proves_nothing(&own, base, || ctx.left(), &mut |_| Ok(()))?);
        }
    }
    Ok(empty)
}
