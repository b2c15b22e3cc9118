//! Runs again, at the landed tip, what was recorded there, and compares. Nothing is remembered from
//! another run, and nothing is written into the session: what these runs capture goes away again.

use serde::Serialize;

use super::audit::{Scenario, load_scenarios};
use super::{Context, Silent};
use crate::base::{Error, Remedy, Result};
use crate::check::batch::{Bench, Caching};
use crate::check::evidence::EvidenceStore;
use crate::check::{Outcome, Reason, Status};
use crate::git::Oid;
use crate::session::event::{Certifier, CheckPhase};
use crate::session::state::{Audit, RunState, State};
use crate::session::{Session, Workspace};
use crate::spec::{Check, CheckBody};

/// One of the things that were recorded, and what it comes to now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    Same {
        check: String,
        outcome: String,
    },
    Differs {
        check: String,
        then: String,
        now: String,
    },
    /// It was not run again, or says nothing here, and why.
    NotAgain {
        what: String,
        why: String,
    },
}

/// What is to be compared: a check as it was recorded.
struct Wanted {
    check: Check,
    then: Outcome,
}

/// In clean worktrees at the landed tip. `seen` gets each comparison as it is known; the session's
/// own time limit holds.
pub fn rerun(ws: &Workspace, session: &Session, seen: &mut dyn FnMut(Compared)) -> Result<()> {
    let not = |why: String| Compared::NotAgain { what: "every check".into(), why };
    let state = session.state()?;
    let Some(tip) = state.tip().filter(|_| !state.landings.is_empty()) else {
        seen(not("nothing has landed".into()));
        return Ok(());
    };
    if let RunState::Aborted { reason } = &state.run {
        seen(not(format!("the session was aborted: {reason}")));
        return Ok(());
    }
    let ctx = match Context::open_to_work(ws, session, &Silent).map(Context::by_hand) {
        Err(e) if matches!(e.remedy, Remedy::Machine | Remedy::Missing) => {
            seen(not(format!("nothing can be run here: {e}")));
            return Ok(());
        }
        ctx => ctx?,
    };
    let audit = state.last_full_audit().filter(|a| a.tip == tip);
    let (wanted, gone) = match audit {
        Some(audit) => of_audit(&ctx, audit)?,
        None => (of_landings(&ctx, &state), Vec::new()),
    };
    gone.into_iter().for_each(&mut *seen);
    run(&ctx, &wanted, tip, seen)?;
    let judges = audit.into_iter().flat_map(|a| a.finished.iter().chain(&a.adversary));
    for judge in judges {
        if let Certifier::Asked(answered) = judge {
            let what = format!("the word of the judge ({})", answered.provider);
            seen(Compared::NotAgain { what, why: "an agent's word is not the same twice".into() });
        }
    }
    Ok(())
}

fn run(
    ctx: &Context<'_>,
    wanted: &[Wanted],
    tip: Oid,
    seen: &mut dyn FnMut(Compared),
) -> Result<()> {
    let dir = tempfile::tempdir().map_err(|e| Error::machine("cannot make a folder").because(e))?;
    let evidence = EvidenceStore::new(dir.path().to_owned()).hiding(ctx.secrets().clone());
    let bench = Bench { evidence, ..ctx.bench()? };
    let checks: Vec<&Check> = wanted.iter().map(|w| &w.check).collect();
    let mut next = wanted.iter();
    bench.run(&checks, tip, ctx.base(), Caching::Never, || ctx.left(), &mut |ran| {
        if let Some(Wanted { check, then }) = next.next() {
            seen(compared(check, then, &ran.outcome));
        }
        Ok(())
    })?;
    Ok(())
}

/// What an audit of everything ran.
fn of_audit(ctx: &Context<'_>, audit: &Audit) -> Result<(Vec<Wanted>, Vec<Compared>)> {
    let scenarios = load_scenarios(ctx)?.scenarios;
    let (mut wanted, mut gone) = (Vec::new(), Vec::new());
    for seen in &audit.checks {
        let then: Outcome = seen.outcome.read().map_err(|e| {
            Error::input(format!("the outcome of '{}' cannot be read", seen.check)).because(e)
        })?;
        let scenario = || scenarios.iter().map(Scenario::as_check).find(|c| c.id == seen.check);
        let check = match (&seen.asked, &seen.scenario) {
            (Some(asked), _) => asked.check.read().ok(),
            (None, Some(_)) => scenario(),
            (None, None) => {
                ctx.spec.checks().find(|(_, c)| c.id == seen.check).map(|(_, c)| c.clone())
            }
        };
        match check {
            Some(check) => wanted.push(Wanted { check, then }),
            None => gone.push(Compared::NotAgain {
                what: seen.check.clone(),
                why: match seen.scenario {
                    Some(_) => "its scenario is not here; the record has its hash".into(),
                    None => "the spec has no such check any more".into(),
                },
            }),
        }
    }
    Ok((wanted, gone))
}

/// Where nobody audited the tip: what was seen of each group's own checks when it landed.
fn of_landings(ctx: &Context<'_>, state: &State) -> Vec<Wanted> {
    let all = ctx.spec.groups.iter().flat_map(|g| g.checks.iter().map(move |c| (g, c)));
    let wanted = all.filter_map(|(group, check)| {
        let now = state.group(&group.id).filter(|g| g.landed.is_some())?;
        let outcome = now.checks.get(&(CheckPhase::Candidate, check.id.clone()))?;
        Some(Wanted { check: check.clone(), then: outcome.read().ok()? })
    });
    wanted.collect()
}

fn compared(check: &Check, then: &Outcome, now: &Outcome) -> Compared {
    let what = check.id.clone();
    if cannot_be_run_here(now.reason()) && then.reason() != now.reason() {
        let why = format!("it cannot be run here: {} ({})", now.detail(), now.reason());
        return Compared::NotAgain { what, why };
    }
    if then.status() != now.status() && depends_on_more(then.reason()) {
        let why = format!("its record says more than one run can: {}", then.reason());
        return Compared::NotAgain { what, why };
    }
    let counts = |o: &Outcome| match (check.body(), o.tests()) {
        // A number differs from run to run; whether it meets its goal does not.
        (Ok(CheckBody::Metric(_)), _) | (_, None) => String::new(),
        (_, Some(tests)) => format!(" ({tests})"),
    };
    let told = |o: &Outcome| match o.status() {
        Status::Passed => format!("passed{}", counts(o)),
        Status::Failed => format!("failed{}", counts(o)),
        Status::NotRun => format!("not_run ({})", o.reason()),
    };
    let (then, now) = (told(then), told(now));
    match then == now {
        true => Compared::Same { check: what, outcome: now },
        false => Compared::Differs { check: what, then, now },
    }
}

/// Reasons that lie in this machine and not in the product.
fn cannot_be_run_here(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::MissingTool
            | Reason::NotExecutable
            | Reason::PrepareFailed
            | Reason::Sandbox
            | Reason::Killed
    )
}

/// Reasons that follow from other runs besides: on the base, or of the same check again.
fn depends_on_more(reason: Reason) -> bool {
    matches!(reason, Reason::ProvesNothing | Reason::FewerTests | Reason::Flaky)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Provenance;
    use crate::spec::sample;

    #[test]
    fn only_what_lies_in_the_machine_is_excused() {
        let check = sample::good().checks().next().expect("a check").1.clone();
        let red = |reason| Outcome::red(reason, "so", Provenance::default());
        let of = |then, now| compared(&check, &red(then), &red(now));
        let differs = |c: &Compared| matches!(c, Compared::Differs { .. });
        let not = |c: &Compared| matches!(c, Compared::NotAgain { .. });
        assert!(not(&of(Reason::TestsFailed, Reason::MissingTool)));
        assert!(not(&of(Reason::ProvesNothing, Reason::TestsFailed)));
        for now in [Reason::ZeroTests, Reason::AllSkipped, Reason::Timeout, Reason::NoCounts] {
            assert!(differs(&of(Reason::TestsFailed, now)), "{now}");
        }
        assert!(matches!(of(Reason::Timeout, Reason::Timeout), Compared::Same { .. }));
        // It could not be run then, and cannot now: that is the same.
        assert!(matches!(of(Reason::MissingTool, Reason::MissingTool), Compared::Same { .. }));
    }
}
