//! The edge of repair: brief, builder, queue, narrowed audit, record.

use super::ledger::{LANDED, Next, STILL_THERE, Stop, Todo, fingerprint_of, next, plan, stale};
use crate::base::text::{count, tail};
use crate::base::{Exit, Result};
use crate::check::EvidenceRef;
use crate::disk;
use crate::process::stop;
use crate::session::config::{Config, Role};
use crate::session::event::{Finding, RepairFinished, RepairStarted, RepairStopped};
use crate::session::journal::Entry;
use crate::session::state::Phase;
use crate::spec::Check;
use crate::stage::audit::{Scenario, Scope, again, audit, load_scenarios};
use crate::stage::build::{Again, GroupEnd, build_group, quoted};
use crate::stage::merge::{Queue, Repair};
use crate::stage::{Context, Item, notes};

/// Rounds of dispatches between two full audits: what a narrowed audit finds is tried at once.
const PASSES: usize = 3;

/// What a round of repairs did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repaired {
    /// There is nothing that repair can be tried on.
    Nothing,
    /// This many repairs landed, out of this many.
    Tried { landed: usize, of: usize },
    /// It goes in circles, or nowhere.
    Stopped(Stop),
    /// No agent has the role `fix`: what is there is judged as it is.
    Off,
}

/// Whether somebody repairs what audits find.
pub fn is_on(config: &Config) -> bool {
    config.agent(Role::Fix).provider.is_some()
}

/// Repairs what audits found and nobody has tried in this way.
pub fn repair(ctx: &Context<'_>) -> Result<Repaired> {
    if !is_on(ctx.config()) {
        return switched_off(ctx);
    }
    let (mut landed, mut of) = (0, 0);
    for _ in 0..PASSES {
        let now = ctx.now()?;
        let ctx = &*now;
        let state = ctx.state()?;
        let told = notes::hashes(ctx.session, &ctx.spec)?;
        for (key, group, outcome) in stale(&state, &plan(&state, &told)) {
            ctx.group_event(&group, RepairFinished { key, outcome: outcome.into() })?;
        }
        let todos = match next(&state, &told) {
            Next::Dispatch(todos) => todos,
            Next::Nothing => break,
            Next::Stop(stop) => {
                let (round, reason, failures) = (stop.round, stop.reason, stop.failures.clone());
                ctx.append(Entry::new(RepairStopped { round, reason, failures }))?;
                return Ok(Repaired::Stopped(stop));
            }
        };
        of += todos.len();
        for todo in &todos {
            landed += usize::from(dispatch(ctx, todo)? == LANDED);
        }
    }
    Ok(if of == 0 { Repaired::Nothing } else { Repaired::Tried { landed, of } })
}

/// What was begun while somebody had the role comes to nothing: what had landed before it is the
/// product again.
fn switched_off(ctx: &Context<'_>) -> Result<Repaired> {
    let state = ctx.state()?;
    for (key, group, outcome) in stale(&state, &[]) {
        ctx.group_event(&group, RepairFinished { key, outcome: outcome.into() })?;
    }
    let found = !plan(&state, &notes::hashes(ctx.session, &ctx.spec)?).is_empty();
    Ok(if found { Repaired::Off } else { Repaired::Nothing })
}

/// One group, from what was found to the record of what came of it.
fn dispatch(ctx: &Context<'_>, todo: &Todo) -> Result<&'static str> {
    stop::check()?;
    ctx.report.say(&format!(
        "{}: repairing {}",
        todo.group,
        count(todo.findings.len(), "product failure")
    ));
    ctx.report.item(&Item::Repair {
        group: todo.group.clone(),
        key: todo.key.clone(),
        strategy: todo.strategy.way.word(),
        findings: todo.findings.iter().map(routed).collect(),
    });
    let outcome = match one(ctx, todo) {
        // What concerns one group does not starve the others.
        Err(e) if e.exit() == Exit::NO => {
            ctx.report.say(&format!("{}: {e}", todo.group));
            "not repaired"
        }
        other => other?,
    };
    let event = RepairFinished { key: todo.key.clone(), outcome: outcome.into() };
    ctx.group_event(&todo.group, event)?;
    Ok(outcome)
}

/// A finding and why it goes where it goes.
fn routed(finding: &Finding) -> (String, String) {
    let why = finding.failure.as_ref().map(|f| f.routed.clone()).unwrap_or_default();
    (finding.id.clone(), why)
}

fn one(ctx: &Context<'_>, todo: &Todo) -> Result<&'static str> {
    let open = ctx
        .session
        .with_state(|s| s.repairs.iter().any(|r| r.key == todo.key && r.outcome.is_none()))?;
    if !open {
        ctx.group_event(
            &todo.group,
            RepairStarted {
                key: todo.key.clone(),
                findings: todo.findings.iter().map(|f| f.id.clone()).collect(),
                round: ctx.session.with_state(|s| s.audits.last().map_or(0, |a| a.round))?,
                failures: todo.failures(),
                strategy: Some(todo.strategy),
            },
        )?;
    }
    let brief = brief(ctx, &todo.findings);
    let dir = ctx.session.layout.repair_attempt(&todo.key, 1);
    disk::replace(&dir.join("brief.md"), ctx.secrets().hide(&brief).as_bytes())?;
    let extra = reproductions(ctx, &todo.key)?;
    match build_group(ctx, &todo.group, Again::No, Some(&brief), &extra)? {
        GroupEnd::Failed { .. } => return Ok("not repaired"),
        GroupEnd::Passing { .. } | GroupEnd::In => {}
    }
    Queue::take(ctx)?.drain(ctx, Repair::Report)?;
    let is_in = ctx.session.with_state(|s| s.phase(&todo.group) == Phase::Landed)?;
    if !is_in {
        return Ok("did not land");
    }
    let ids = todo.findings.iter().filter_map(|f| f.check.clone()).collect();
    let red = audit(ctx, &Scope::Narrowed(ids))?;
    Ok(if red.is_empty() { LANDED } else { STILL_THERE })
}

/// What was found and has to be repaired, each finding once, as the first audit told it that saw
/// it fail in this way.
fn findings_of(ctx: &Context<'_>, key: &str) -> Result<Vec<Finding>> {
    ctx.session.with_state(|s| {
        let repair = s.repairs.iter().find(|r| r.key == key);
        let Some(repair) = repair else { return Vec::new() };
        let mut found: Vec<Finding> = Vec::new();
        for finding in s.audits.iter().flat_map(|a| &a.findings) {
            let is_of_it = repair.findings.contains(&finding.id)
                && (repair.failures.is_empty()
                    || repair.failures.contains(&fingerprint_of(finding)));
            if is_of_it && found.iter().all(|f| f.id != finding.id) {
                found.push(finding.clone());
            }
        }
        found
    })
}

/// The checks that show what is to be repaired: they must be green on the repaired work.
pub fn reproductions(ctx: &Context<'_>, key: &str) -> Result<Vec<Check>> {
    let wanted: Vec<String> = findings_of(ctx, key)?.into_iter().filter_map(|f| f.check).collect();
    let scenarios = load_scenarios(ctx)?.scenarios;
    let all = ctx.spec.checks().map(|(_, c)| c.clone());
    let asked = ctx.session.with_state(again)?;
    let all = all.chain(scenarios.iter().map(Scenario::as_check)).chain(asked);
    Ok(all.filter(|c| wanted.contains(&c.id)).collect())
}

/// What the builder of an open repair is told.
pub fn brief_of(ctx: &Context<'_>, key: &str) -> Result<String> {
    Ok(brief(ctx, &findings_of(ctx, key)?))
}

fn brief(ctx: &Context<'_>, findings: &[Finding]) -> String {
    let mut text = String::from("An audit of the integrated product found:\n");
    let store = ctx.evidence();
    for finding in findings {
        text.push_str(&format!("\n- {} ({})\n", finding.text, finding.severity));
        if !finding.reproduction.is_empty() {
            text.push_str(&format!("  shown by: {}\n", finding.reproduction));
        }
        let shown = finding
            .evidence
            .first()
            .and_then(|e| e.parse::<EvidenceRef>().ok())
            .and_then(|e| store.read(&e).ok());
        if let Some(bytes) = shown {
            text.push_str(&quoted(&tail(&String::from_utf8_lossy(&bytes), 4000)));
        }
    }
    text.push_str("\nRepair it in the paths that you own, and keep everything else green.\n");
    text
}
