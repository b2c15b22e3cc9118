//! One group, from wherever it is to passing or failed.

use std::collections::BTreeMap;

use super::attempt::{AttemptResult, Plan, attempt, settle_open};
use super::base::{Base, base_of};
use super::course::{From, Stand, course, stand};
use super::first::{First, judge_first};
use super::manual::{MANUAL, judge_manual, manual_head};
use super::schedule::{Next, next_attempt};
use crate::base::{Error, Result};
use crate::disk::Held;
use crate::disk::lock::{self, Group as GroupLock};
use crate::git::{Merge, NewCommit, Oid};
use crate::process::stop;
use crate::session::event::{
    AttemptFinished, AttemptOutcome, CheckPhase, GroupFailed, GroupInvalidated, GroupStarted,
    Invalid,
};
use crate::session::journal::Entry;
use crate::session::state::{GroupState, Phase, State};
use crate::spec::{Check, Group, Purpose};
use crate::stage::Context;
use crate::stage::notes::Notes;
use crate::stage::spending::group_is_spent;

/// Whether a group that is already passing is built again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    No,
    Yes,
}

/// Where a group ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupEnd {
    Passing {
        commit: Oid,
        attempts: u32,
    },
    Failed {
        reason: String,
        attempts: u32,
    },
    /// Its work is in the product already.
    In,
}

/// Holds the group against every other builder and judge; 75 naming who has it.
pub fn hold_group(ctx: &Context<'_>, group: &Group) -> Result<Held<GroupLock>> {
    let path = ctx.ws.layout.group_lock(&ctx.session.id, &group.id);
    lock::try_hold::<GroupLock>(&path)?.map_err(|busy| {
        let mut error = busy.into_error();
        error.what = format!("group '{}': {}", group.id, error.what);
        error
    })
}

/// Builds one group until it is passing or failed, by the spec as it is at each step. The caller has
/// seen to its dependencies.
pub fn build_group(
    ctx: &Context<'_>,
    gid: &str,
    again: Again,
    brief: Option<&str>,
    extra: &[Check],
) -> Result<GroupEnd> {
    let first = ctx.now()?;
    let group = first.group(gid)?;
    let held = hold_group(&first, group)?;
    let (mut brief, extra) = with_repair(&first, group, brief, extra)?;
    close_open_attempt(&first, group, &held, &extra)?;
    let mut again = again;
    let mut asked = None;
    loop {
        stop::check()?;
        let now = ctx.now()?;
        let (ctx, group) = (&*now, now.group(gid)?);
        // A person's commit on the branch ends the agent's attempts on the group.
        if let Some(head) = manual_head(ctx, group)? {
            judge_manual(ctx, group, &held, head)?;
        }
        let state = ctx.state()?;
        let now = state.group(&group.id).cloned().unwrap_or_default();
        if let Some(end) =
            already_there(ctx, group, &now, std::mem::replace(&mut again, Again::No))?
        {
            return Ok(end);
        }
        if now.attempts.is_empty() && asked.is_none() {
            ctx.group_event(&group.id, GroupStarted {})?;
        }
        // Once for each spec.
        if asked.replace(ctx.spec_sha256()) != Some(ctx.spec_sha256())
            && let Some(reason) = proves_nothing(ctx, group, &state)?
        {
            match fail(ctx, group, reason)? {
                Some(end) => return Ok(end),
                None => continue,
            }
        }
        if let Phase::Invalidated { judge_first: true, .. } = now.phase {
            match judge_first(ctx, group, &now, &extra)? {
                First::Good | First::Overtaken => continue,
                First::Red(why) => drop(brief.get_or_insert(why)),
                First::Nothing => {}
            }
        }
        let now = ctx.session.with_state(|s| s.group(&group.id).cloned().unwrap_or_default())?;
        let over = match next_attempt(&now, ctx.config().attempts) {
            Next::GiveUp(reason) => Some(reason),
            Next::Attempt => group_is_spent(ctx.session, &group.id)?,
        };
        if let Some(reason) = over {
            match fail(ctx, group, with_last_failure(&reason, &now))? {
                Some(end) => return Ok(end),
                None => continue,
            }
        }
        let plan = plan(ctx, group, &state, &now, brief.take(), &extra)?;
        let result = attempt(ctx, group, &held, &plan)?;
        if let Some(end) = after(ctx, group, &result)? {
            return Ok(end);
        }
    }
}

/// A group that is being repaired is always told what was found, and always has to show it mended,
/// whoever builds it.
fn with_repair(
    ctx: &Context<'_>,
    group: &Group,
    brief: Option<&str>,
    extra: &[Check],
) -> Result<(Option<String>, Vec<Check>)> {
    let key = ctx.session.with_state(|s| s.group(&group.id).and_then(|g| g.repair.clone()))?;
    let given = brief.map(str::to_owned);
    match key {
        Some(key) => Ok((
            Some(given.map_or_else(|| crate::stage::repair::brief_of(ctx, &key), Ok)?),
            crate::stage::repair::reproductions(ctx, &key)?,
        )),
        None => Ok((given, extra.to_vec())),
    }
}

fn after(ctx: &Context<'_>, group: &Group, result: &AttemptResult) -> Result<Option<GroupEnd>> {
    if result.outcome == AttemptOutcome::Passing {
        return passing(ctx, group);
    }
    if let Some(name) = &result.archived
        && manual_head(ctx, group)?.is_none()
    {
        return Err(Error::person(format!(
            "'{}' was moved by somebody while the attempt ran; its work is kept in {name}",
            ctx.build_ref(&group.id)
        ))
        .hint("put the branch where you want it, then build the group again"));
    }
    if result.waits {
        // Another provider may take over; with none free the next attempt says so.
        return Ok(None);
    }
    if let Some(why) = &result.hopeless {
        let before = ctx.session.with_state(|s| s.group(&group.id).and_then(last_judged))?;
        let before = before.map_or(String::new(), |o| format!(" (before that: {})", o.word()));
        return fail(ctx, group, format!("the agent cannot work: {why}{before}"));
    }
    Ok(None)
}

/// The newest outcome that says something about the work.
fn last_judged(group: &GroupState) -> Option<AttemptOutcome> {
    group.attempts.iter().rev().find_map(|a| match a.finished.as_ref()?.outcome {
        AttemptOutcome::TurnFailed | AttemptOutcome::Interrupted => None,
        judged => Some(judged),
    })
}

/// An attempt that a kill left open: what is in its worktree is judged like any other.
pub fn close_open_attempt(
    ctx: &Context<'_>,
    group: &Group,
    held: &Held<GroupLock>,
    extra: &[Check],
) -> Result<()> {
    let Some(open) =
        ctx.session.with_state(|s| s.group(&group.id).and_then(|g| g.open_attempt()).cloned())?
    else {
        return Ok(());
    };
    match ctx.pool.reclaim(&ctx.owner(&group.id, open.number))? {
        Some(worktree) if open.role != MANUAL => {
            ctx.report.say(&format!("{}: judging what attempt {} left", group.id, open.number));
            settle_open(ctx, group, held, &open, worktree, extra.to_vec()).map(drop)
        }
        // It never got a worktree, or it is a person's commit, which is judged again.
        Some(_) | None => {
            ctx.append(Entry::attempt(&group.id, open.number, AttemptFinished::interrupted()))
        }
    }
}

fn already_there(
    ctx: &Context<'_>,
    group: &Group,
    now: &GroupState,
    again: Again,
) -> Result<Option<GroupEnd>> {
    let invalidate = |why: &str| {
        ctx.group_event(
            &group.id,
            GroupInvalidated { reason: Invalid::Again, brief: why.to_owned(), judge_first: false },
        )
    };
    match stand(&now.phase, again) {
        Stand::In => Ok(Some(GroupEnd::In)),
        Stand::Aborted { reason } => {
            Err(Error::no(format!("group '{}' was aborted: {reason}", group.id)))
        }
        Stand::Passing { .. } => passing(ctx, group),
        Stand::BuildAgain => invalidate("built again because a person asked for it").map(|()| None),
        Stand::Failed { reason } => {
            Ok(Some(GroupEnd::Failed { reason, attempts: now.attempts.len() as u32 }))
        }
        Stand::Open => Ok(None),
    }
}

/// Where a group is that was just found passing; the queue may have been faster than this line, and
/// may have sent it back (`None`).
fn passing(ctx: &Context<'_>, group: &Group) -> Result<Option<GroupEnd>> {
    ctx.session.with_state(|s| {
        let now = s.group(&group.id).cloned().unwrap_or_default();
        let attempts = now.attempts.len() as u32;
        match now.phase {
            Phase::Passing { commit, .. } => Some(GroupEnd::Passing { commit, attempts }),
            Phase::Landed | Phase::Redundant { .. } => Some(GroupEnd::In),
            Phase::Failed { reason } | Phase::Aborted { reason } => {
                Some(GroupEnd::Failed { reason, attempts })
            }
            Phase::Pending
            | Phase::Building { .. }
            | Phase::Blocked { .. }
            | Phase::Invalidated { .. } => None,
        }
    })
}

/// Gives the group up, unless it failed by a spec that is another by now.
fn fail(ctx: &Context<'_>, group: &Group, reason: String) -> Result<Option<GroupEnd>> {
    let entry = Entry::group(&group.id, GroupFailed { reason: reason.clone() });
    let written =
        ctx.session.append_with(ctx.ws, |s| Ok(if ctx.is_by(s) { vec![entry] } else { vec![] }))?;
    if written.is_empty() {
        return Ok(None);
    }
    let attempts =
        ctx.session.with_state(|s| s.group(&group.id).map_or(0, |g| g.attempts.len()))? as u32;
    Ok(Some(GroupEnd::Failed { reason, attempts }))
}

fn with_last_failure(reason: &str, now: &GroupState) -> String {
    match now.last_end() {
        Some(end) => format!("{reason}; the last: {end}"),
        None => reason.to_owned(),
    }
}

/// Why passing would prove nothing: acceptance checks that are green without the group's work.
pub fn proves_nothing(ctx: &Context<'_>, group: &Group, state: &State) -> Result<Option<String>> {
    let names = unproven(ctx, group, state)?;
    if names.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!(
        "{} {} already green without this group's work, so passing would prove nothing: {}",
        crate::base::text::count(names.len(), "acceptance check"),
        if names.len() == 1 { "is" } else { "are" },
        names.join(", ")
    )))
}

/// The base of the group's first attempt; its own work is in every base since.
pub fn first_base(group: &Group, state: &State) -> Option<Oid> {
    state.group(&group.id).and_then(|g| g.attempts.first()).map(|a| a.base)
}

/// The acceptance checks of the group that are green without its work. The answers are cached, so
/// this costs a run only where a check or a base is new.
pub fn unproven(ctx: &Context<'_>, group: &Group, state: &State) -> Result<Vec<String>> {
    let acceptance: Vec<&Check> =
        group.checks.iter().filter(|c| c.purpose == Purpose::Acceptance).collect();
    if acceptance.is_empty() {
        return Ok(Vec::new());
    }
    let base = match first_base(group, state) {
        Some(base) => base,
        None => base_of(ctx, group, state)?.commit,
    };
    let known = |id: &str| {
        state
            .group(&group.id)
            .is_some_and(|g| g.checks.contains_key(&(CheckPhase::Base, id.to_owned())))
    };
    let green = ctx.bench()?.proves_nothing(&acceptance, base, || ctx.left(), &mut |ran| {
        if ran.cached && known(&ran.check) {
            return Ok(());
        }
        super::judge::note_check(ctx, &group.id, 0, CheckPhase::Base, ran)
    })?;
    Ok(green.into_iter().map(|ran| ran.check).collect())
}

/// Base, start and brief of the next attempt.
fn plan(
    ctx: &Context<'_>,
    group: &Group,
    state: &State,
    now: &GroupState,
    brief: Option<String>,
    extra: &[Check],
) -> Result<Plan> {
    let next = course(now);
    let has = |id: &Oid| ctx.ws.repo.has_object(*id);
    let from = match next.from {
        // Where a prune took what the last attempt stood on, the round begins anew.
        From::LastAttempt { base, start, .. } if ![base, start].iter().all(has) => {
            From::Base { earlier: None }
        }
        from => from,
    };
    let (base, start) = match from {
        From::LastAttempt { base, dep_heads, start } => (Base { commit: base, dep_heads }, start),
        From::Base { earlier } => {
            let base = base_of(ctx, group, state)?;
            let start = first_start(ctx, earlier, base.commit)?;
            // The announcement names them; what is not of the product was written just now.
            if start != state.tip().unwrap_or(ctx.base()) {
                ctx.sync_objects()?;
            }
            (base, start)
        }
    };
    Ok(Plan {
        number: next.number,
        number_in_role: next.number_in_role,
        role: next.role,
        base,
        start,
        brief: brief.or(next.told).unwrap_or_default(),
        extra: extra.to_vec(),
        spec: ctx.spec_sha256(),
        notes: Notes::read(ctx.session, &group.id)?,
    })
}

/// The first attempt of a round starts on the base, with the group's earlier work merged in where
/// that goes without a conflict.
fn first_start(ctx: &Context<'_>, earlier: Option<Oid>, base: Oid) -> Result<Oid> {
    let repo = &ctx.ws.repo;
    let Some(earlier) = earlier else { return Ok(base) };
    match repo.merge(base, earlier)? {
        Merge::Clean { contained: true, .. } => Ok(base),
        Merge::Clean { tree, contained: false } => repo.write_commit(&NewCommit {
            tree,
            parents: &[base, earlier],
            message: "start: the product as it is, with this group's earlier work\n",
            at: repo.commit(earlier)?.at,
        }),
        Merge::Conflicted { .. } => Ok(base),
    }
}

/// Dependencies that are not there yet, for a group that was named by hand.
pub fn missing_dependencies(group: &Group, state: &State) -> BTreeMap<String, &'static str> {
    group
        .deps
        .iter()
        .map(|d| (d.clone(), state.phase(d)))
        .filter(|(_, phase)| !phase.satisfies_dependents())
        .map(|(d, phase)| (d, phase.word()))
        .collect()
}
