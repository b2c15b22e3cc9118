//! One commit of a group's branch, by Otto and not by the agent; and what happens to the work when
//! a person was on the branch first.

use super::attempt::Plan;
use super::heads::{is_recorded, recorded_head};
use crate::base::Result;
use crate::base::text::one_line;
use crate::disk::Held;
use crate::disk::lock::Group as GroupLock;
use crate::git::{Expect, NewCommit, Oid};
use crate::spec::Group;
use crate::stage::{Context, attic};

/// What became of the work.
pub(super) enum Committed {
    /// The branch is at it.
    Moved { commit: Oid, tree: Oid },
    /// The branch is a person's now; the work is in the attic, under this name.
    Archived(String),
}

/// One commit of the group's branch, by Otto and not by the agent.
pub(super) fn commit_work(
    ctx: &Context<'_>,
    group: &Group,
    _held: &Held<GroupLock>,
    plan: &Plan,
    tree: Oid,
    started: jiff::Timestamp,
) -> Result<Committed> {
    let repo = &ctx.ws.repo;
    let message = format!(
        "{}: {}\n\nOtto-Session: {}\nOtto-Group: {}\nOtto-Attempt: {}\nOtto-Spec: sha256:{}\n",
        group.id,
        one_line(&group.title, 60),
        ctx.sid(),
        group.id,
        plan.number,
        plan.spec
    );
    let name = ctx.build_ref(&group.id);
    let head = ctx.ws.read_own_ref(&name)?;
    let mut parents = vec![plan.start];
    // A branch whose commit is gone (a power cut, a prune) holds nothing that could be kept.
    if let Some(head) = head.filter(|head| repo.has_object(*head)) {
        let found = repo.commit(head)?;
        let ours =
            NewCommit { tree: found.tree, parents: &found.parents, message: &message, at: started };
        if found.message == message && repo.write_commit(&ours)? == head {
            // A killed run got this far. The commit is durable and the worktree is not: after a
            // power cut it is the commit that has all of the work.
            return Ok(Committed::Moved { commit: head, tree: found.tree });
        }
        if !is_accounted_for(ctx, group, plan, head)? {
            let name = archive(ctx, group, plan, tree, &message, started)?;
            return Ok(Committed::Archived(name));
        }
        // What an earlier round left stays reachable from the branch.
        let recorded = ctx.session.with_state(|s| s.group(&group.id).and_then(recorded_head))?;
        for old in [Some(head), recorded].into_iter().flatten() {
            if !parents.contains(&old) && !repo.is_ancestor(old, plan.start)? {
                parents.push(old);
            }
        }
    }
    let commit =
        repo.write_commit(&NewCommit { tree, parents: &parents, message: &message, at: started })?;
    ctx.sync_objects()?;
    ctx.refuse_checked_out(&name)?;
    let reason = format!("otto: attempt {} of {}", plan.number, group.id);
    match ctx.ws.move_ref(&name, Expect::from_option(head), Some(commit), &reason)? {
        Ok(()) => Ok(Committed::Moved { commit, tree }),
        // A person was faster by a moment.
        Err(_found) => archive(ctx, group, plan, tree, &message, started).map(Committed::Archived),
    }
}

/// Nothing of a person's would be lost by moving the branch on from `head`: it is an attempt's, or
/// part of the product, or of what this attempt started from.
fn is_accounted_for(ctx: &Context<'_>, group: &Group, plan: &Plan, head: Oid) -> Result<bool> {
    let (of_an_attempt, tip) = ctx.session.with_state(|s| {
        let known = s.group(&group.id).is_some_and(|g| is_recorded(g, head));
        (known, s.tip().unwrap_or(ctx.base()))
    })?;
    Ok(of_an_attempt
        || ctx.ws.repo.is_ancestor(head, plan.start)?
        || ctx.ws.repo.is_ancestor(head, tip)?)
}

/// Keeps work that cannot go on the branch (I3).
fn archive(
    ctx: &Context<'_>,
    group: &Group,
    plan: &Plan,
    tree: Oid,
    message: &str,
    started: jiff::Timestamp,
) -> Result<String> {
    let work = NewCommit { tree, parents: &[plan.start], message, at: started };
    let name = attic::keep(ctx, &group.id, plan.number, &work)?;
    ctx.report
        .say(&format!("{}: the branch was moved by hand; the attempt is kept in {name}", group.id));
    Ok(name)
}
