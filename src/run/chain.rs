//! The whole story, from wherever the session is: compile, build and merge, audit, repair, render.

use super::step::Steps;
use crate::agent::budget::Deadline;
use crate::base::{Error, Exit, Result};
use crate::disk::Held;
use crate::disk::lock::{self, Run};
use crate::process::stop;
use crate::session::event::{RunFinished, RunPaused};
use crate::session::journal::Entry;
use crate::session::state::{RunState, SpecState};
use crate::session::{Session, State, Workspace};
use crate::spec::{ProjectKind, Spec};
use crate::stage::audit::Word;
use crate::stage::build::schedule;
use crate::stage::compile::compile;
use crate::stage::render::{judge, render};
use crate::stage::repair::plan;
use crate::stage::{Context, Report, Silent, merge};

/// Rounds of repair and full audit after the first audit.
const REPAIR_ROUNDS: usize = 3;

/// What a run is asked for.
#[derive(Debug, Clone, Default)]
pub struct Goal {
    pub kind: Option<ProjectKind>,
    pub jobs: usize,
}

/// Takes the lock of the session's run, or leaves with 75 naming who has it. Whoever resumes holds
/// it before the first word is written.
pub fn hold(ws: &Workspace, session: &Session) -> Result<Held<Run>> {
    let path = ws.layout.run_lock(&session.id);
    lock::try_hold::<Run>(&path)?.map_err(|busy| {
        let mut error = busy.into_error();
        error.hint = Some(format!("watch it: otto log -f {}", session.id));
        error
    })
}

/// Runs what is left to run. The verdict decides the exit code; what stopped it is recorded.
pub fn go(
    ws: &Workspace,
    _held: &Held<Run>,
    session: &Session,
    goal: &Goal,
    deadline: Deadline,
    report: &dyn Report,
) -> Result<Word> {
    let result = chain(ws, session, goal, deadline, report);
    match &result {
        Ok(word) => {
            let exit = word.exit().0;
            session.append_with(ws, |s| {
                Ok(match s.run {
                    crate::session::state::RunState::Finished { .. } => Vec::new(),
                    _ => vec![Entry::new(RunFinished { exit })],
                })
            })?;
            // The last record has to be in the anchor and in the proof.
            anchor(ws, session)?;
            render(ws, session)?;
        }
        Err(e) => {
            session.append(ws, Entry::new(RunPaused { reason: e.to_string() }))?;
        }
    }
    result
}

/// The refs that say how it ended are as durable as the journal that does.
fn anchor(ws: &Workspace, session: &Session) -> Result<()> {
    if session.with_state(|s| s.landings.is_empty())? {
        return Ok(());
    }
    let ctx = Context::open(ws, session, &Silent)?;
    merge::anchor(&ctx)?;
    ctx.sync_objects()
}

/// What a stop or a power cut left half done, where no stage that is still to run would see it.
fn settle(ws: &Workspace, session: &Session) -> Result<()> {
    let ctx = Context::open(ws, session, &Silent)?;
    ctx.settle_slots()?;
    match session.with_state(|s| s.landings.is_empty() && s.open_landing.is_none())? {
        true => Ok(()),
        false => merge::settled_tip(&ctx).map(drop),
    }
}

fn chain(
    ws: &Workspace,
    session: &Session,
    goal: &Goal,
    deadline: Deadline,
    report: &dyn Report,
) -> Result<Word> {
    let steps = Steps { session, root: ws.root(), deadline };
    if !matches!(session.with_state(|s| s.spec.clone())?, SpecState::Approved { .. }) {
        compile(ws, session, goal.kind, report)?;
    }
    refuse_aborted(session)?;
    settle(ws, session)?;
    let spec = session.spec()?;
    build_and_merge(session, &spec, &steps, goal.jobs)?;
    refuse_aborted(session)?;
    if !session.with_state(|s| s.landings.is_empty())? {
        audit_and_repair(session, &steps)?;
    }
    Ok(judge(ws, session, &spec)?.word)
}

/// A person ended the session while it ran.
fn refuse_aborted(session: &Session) -> Result<()> {
    match session.with_state(|s| s.run.clone())? {
        RunState::Aborted { reason } => {
            Err(Error::no(format!("the session was aborted: {reason}"))
                .hint("otto sessions lists the others"))
        }
        RunState::Open | RunState::Paused { .. } | RunState::Finished { .. } => Ok(()),
    }
}

/// Builds and lands until nothing is left to do, or a round changed nothing: a group that was sent
/// back at the very end has dependents that could not start before.
fn build_and_merge(session: &Session, spec: &Spec, steps: &Steps<'_>, jobs: usize) -> Result<()> {
    let progress = |s: &State| {
        let attempts: usize = s.groups.values().map(|g| g.attempts.len()).sum();
        (attempts, s.landings.len())
    };
    let mut before = None;
    while session.with_state(|s| work_is_left(spec, s))? {
        let now = session.with_state(progress)?;
        if before == Some(now) {
            return Ok(());
        }
        before = Some(now);
        let (build, merge) = steps.build_and_merge(jobs)?;
        tracing::debug!("build ended with {}, merge with {}", build.0, merge.0);
        stop::check()?;
    }
    Ok(())
}

/// Something can still be built or landed.
pub(super) fn work_is_left(spec: &Spec, state: &State) -> bool {
    !schedule::ready(spec, state).is_empty()
        || !merge::queue::eligible(spec, state).is_empty()
        || state.open_landing.is_some()
}

/// Full audit; repairs, each landed and audited narrowly; full audit again, a bounded number of
/// times.
fn audit_and_repair(session: &Session, steps: &Steps<'_>) -> Result<()> {
    for _ in 0..=REPAIR_ROUNDS {
        // A repair that a stop left open comes first: the product is not whole without it.
        if session.with_state(|s| s.repairs.iter().any(|r| r.outcome.is_none()))? {
            steps.run("repair", &[])?;
        }
        if session.with_state(audit_is_due)? {
            steps.run("audit", &[])?;
        }
        stop::check()?;
        if session.with_state(plan)?.is_empty() {
            return Ok(());
        }
        if steps.run("repair", &[])? != Exit::YES && !session.with_state(audit_is_due)? {
            return Ok(());
        }
    }
    // The last repair is not taken on trust either.
    if session.with_state(audit_is_due)? {
        steps.run("audit", &[])?;
    }
    Ok(())
}

/// No full audit of the tip as it is has finished.
pub(super) fn audit_is_due(state: &State) -> bool {
    state.last_full_audit().is_none_or(|a| Some(a.tip) != state.tip())
}
