//! The whole story, from wherever the session is: compile, build and merge, audit, repair, render.

use super::next::{Action, Course};
use super::step::Steps;
use super::wait::Patience;
use crate::agent::budget::Deadline;
use crate::base::{Error, Exit, Result};
use crate::check::cache::Reuse;
use crate::disk::Held;
use crate::disk::lock::{self, Run};
use crate::process::stop;
use crate::session::event::{RunFinished, RunPaused};
use crate::session::journal::Entry;
use crate::session::{Session, Workspace};
use crate::spec::{ProjectKind, Spec};
use crate::stage::audit::Word;
use crate::stage::compile::compile;
use crate::stage::render::{judge, render};
use crate::stage::repair::Told;
use crate::stage::{Context, Report, Silent, census, memory, merge, notes, pilot, repair};

/// What a run is asked for.
#[derive(Debug, Clone, Default)]
pub struct Goal {
    pub kind: Option<ProjectKind>,
    pub jobs: usize,
    pub reuse: Reuse,
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
    ws.pool(&session.config)?.end_orphans()?;
    let mut steps = Steps { session, root: ws.root(), deadline, reuse: goal.reuse };
    let mut patience = Patience::new(session.config.patience_seconds);
    // One for the whole chain: what was tried before a wait was tried.
    let mut course = Course::new(pilot::is_on(&session.config));
    if !repair::is_on(&session.config) {
        course = course.without_repair();
    }
    loop {
        match story(ws, &steps, goal, &mut course, report) {
            Err(e) if e.exit() == Exit::LATER => {
                let waited = patience.wait(ws, session, e)?;
                course.again();
                steps.deadline = steps.deadline.later_by(waited);
            }
            ended => return ended,
        }
    }
}

/// From wherever the session is to its verdict.
fn story(
    ws: &Workspace,
    steps: &Steps<'_>,
    goal: &Goal,
    course: &mut Course,
    report: &dyn Report,
) -> Result<Word> {
    let session = steps.session;
    let mut spec: Option<Spec> = None;
    let mut last = None;
    loop {
        stop::check()?;
        let state = session.state()?;
        // Approved just now, or amended since.
        let known = spec.as_ref().map(Spec::content_hash);
        if state.approved().is_some() && state.approved() != known {
            if known.is_none() {
                settle(ws, session)?;
            }
            spec = Some(session.spec()?);
            continue;
        }
        let told = match &spec {
            Some(spec) => notes::hashes(session, spec)?,
            None => Told::new(),
        };
        match (course.next(spec.as_ref(), &state, &told, last.take()), &spec) {
            (Action::Compile, _) => compile(ws, session, goal.kind, steps.deadline, report)?,
            (Action::BuildAndMerge, _) => {
                let (build, merge) = steps.build_and_merge(goal.jobs)?;
                tracing::debug!("build ended with {}, merge with {}", build.0, merge.0);
            }
            (Action::Audit, _) => last = Some(steps.run("audit", &[])?),
            (Action::Pilot, _) => drop(steps.run("pilot", &[])?),
            (Action::Repair, _) => last = Some(steps.run("repair", &[])?),
            (Action::Judge, Some(spec)) => {
                // The verdict is about what the ref holds: a power cut may have taken it back
                // after the last step that looked.
                let ctx = Context::open(ws, session, report)?;
                let _settled = merge::Queue::take(&ctx)?;
                census::close(&ctx)?;
                let verdict = judge(ws, session, spec)?;
                memory::note(ws, session, &verdict)?;
                return Ok(verdict.word);
            }
            (Action::Judge, None) => return Ok(judge(ws, session, &session.spec()?)?.word),
            (Action::Ended { reason }, _) => {
                return Err(Error::no(format!("the session was aborted: {reason}"))
                    .hint("otto sessions lists the others"));
            }
        }
    }
}
