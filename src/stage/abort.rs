//! Abort: a session, or one group of it, ends for good. Nothing that was made is lost: build
//! branches stay, and what lies uncommitted in a worktree is kept in the attic (I3).

use crate::base::{Error, Result};
use crate::disk::Held;
use crate::disk::lock::{self, Group as GroupLock, Integ, Run};
use crate::git::{NewCommit, Worktree};
use crate::session::event::{AttemptFinished, GroupAborted, RunAborted};
use crate::session::journal::Entry;
use crate::session::state::{Attempt, State};
use crate::session::{Session, Workspace};
use crate::spec::Group;
use crate::stage::build::hold_group;
use crate::stage::merge::may_land::may_end;
use crate::stage::{Context, attic, census, merge};

/// Everything that may work on a session, held; 75 naming who has it, and nothing written.
pub struct Quiet {
    _run: Held<Run>,
    queue: Held<Integ>,
}

/// Waits for nobody: either the session is at rest, or it is not ended.
pub fn hold_session(ws: &Workspace, session: &Session) -> Result<Quiet> {
    let hint = "stop what works on it first (Ctrl-C), then abort it";
    let run = ws.layout.run_lock(&session.id);
    let queue = ws.layout.queue_lock(&session.id);
    Ok(Quiet {
        _run: lock::try_hold(&run)?.map_err(|busy| busy.into_error().hint(hint))?,
        queue: lock::try_hold(&queue)?.map_err(|busy| busy.into_error().hint(hint))?,
    })
}

/// Ends the whole session. A landing that a kill left open is settled first: once the session is
/// over, nobody would.
pub fn abort_session(ctx: &Context<'_>, quiet: &Quiet, reason: &str) -> Result<Vec<String>> {
    if ctx.session.with_state(|s| s.open_landing.is_some())? {
        merge::reconcile(ctx, &quiet.queue)?;
    }
    let held: Vec<Held<GroupLock>> =
        ctx.spec.groups.iter().map(|g| hold_group(ctx, g)).collect::<Result<_>>()?;
    let mut kept = Vec::new();
    for (group, held) in ctx.spec.groups.iter().zip(&held) {
        kept.extend(end_group(ctx, group, held, reason)?);
    }
    let found = census::keep_strays(ctx)?;
    ctx.append(Entry::new(RunAborted { reason: reason.to_owned() }))?;
    census::refuse_lost(ctx, &found)?;
    Ok(kept)
}

/// Ends one group; what depends on it is blocked.
pub fn abort_group(ctx: &Context<'_>, group: &Group, reason: &str) -> Result<Vec<String>> {
    let held = hold_group(ctx, group)?;
    let is_landing = |s: &State| !may_end(s, &group.id);
    if ctx.session.with_state(is_landing)? {
        // Either a queue is at work on it, or a kill left it half way.
        let path = ctx.ws.layout.queue_lock(&ctx.session.id);
        let queue = lock::try_hold::<Integ>(&path)?.map_err(lock::Busy::into_error)?;
        merge::reconcile(ctx, &queue)?;
    }
    let phase = ctx.session.with_state(|s| s.phase(&group.id))?;
    if phase.is_terminal() {
        return Err(Error::no(format!("group '{}' is {} already", group.id, phase.word())));
    }
    end_group(ctx, group, &held, reason)
}

fn end_group(
    ctx: &Context<'_>,
    group: &Group,
    _held: &Held<GroupLock>,
    reason: &str,
) -> Result<Vec<String>> {
    let state = ctx.state()?;
    let mut kept = Vec::new();
    if let Some(open) = state.group(&group.id).and_then(|g| g.open_attempt()) {
        if let Some(worktree) = ctx.pool.reclaim(&ctx.owner(&group.id, open.number))? {
            kept.extend(archive(ctx, group, open, &worktree)?);
            worktree.release()?;
        }
        ctx.append(Entry::attempt(&group.id, open.number, AttemptFinished::interrupted()))?;
    }
    let mut is_landing = false;
    ctx.session.append_with(ctx.ws, |s| {
        // Its landing may have been announced since the last look.
        is_landing = !may_end(s, &group.id);
        if is_landing || s.phase(&group.id).is_terminal() {
            return Ok(Vec::new());
        }
        Ok(vec![Entry::group(&group.id, GroupAborted { reason: reason.to_owned() })])
    })?;
    if is_landing {
        let what = format!("group '{}' is landing at this moment", group.id);
        return Err(Error::later(what, None).hint("look again: otto status"));
    }
    Ok(kept)
}

/// Keeps what a worktree holds under `refs/otto/attic/`; nothing where nothing was changed.
fn archive(
    ctx: &Context<'_>,
    group: &Group,
    open: &Attempt,
    worktree: &Worktree,
) -> Result<Option<String>> {
    let repo = &ctx.ws.repo;
    let snapshot = worktree.snapshot(open.base, &ctx.prepared_paths())?;
    if snapshot.tree == repo.tree_of(open.start)? {
        return Ok(None);
    }
    let work = NewCommit {
        tree: snapshot.tree,
        parents: &[open.start],
        message: &attic::message(&group.id, open.number),
        at: open.started,
    };
    attic::keep(ctx, &group.id, open.number, &work).map(Some)
}
