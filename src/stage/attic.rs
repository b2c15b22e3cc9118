//! The attic: work that cannot go on a branch is kept under a ref of its own, so that nothing that
//! was made becomes unreachable (I3).

use crate::base::{Error, Result};
use crate::git::{Expect, NewCommit, Oid};
use crate::session::event::WorkArchived;
use crate::session::journal::Entry;
use crate::session::layout::refs;
use crate::stage::Context;

/// Keeps a commit as what `attempt` of `gid` left, durably and recorded. Returns the ref.
pub fn keep(ctx: &Context<'_>, gid: &str, attempt: u32, work: &NewCommit<'_>) -> Result<String> {
    let name = refs::attic(&ctx.session.id, gid, attempt);
    let mut parents = work.parents.to_vec();
    if let Some(before) = ctx.ws.read_own_ref(&name)? {
        if ctx.ws.repo.tree_of(before)? == work.tree {
            // A killed run got this far, or the same work was kept by another step.
            record(ctx, gid, &name, before)?;
            return Ok(name);
        }
        // What was kept under this name before stays reachable from it.
        parents.push(before);
    }
    let commit = ctx.ws.repo.write_commit(&NewCommit { parents: &parents, ..work.clone() })?;
    put(ctx, gid, &name, commit)?;
    Ok(name)
}

/// Keeps a commit that is there already and that nothing holds any more. Returns the ref.
pub fn keep_commit(ctx: &Context<'_>, gid: &str, attempt: u32, commit: Oid) -> Result<String> {
    let name = refs::attic(&ctx.session.id, gid, attempt);
    match ctx.ws.read_own_ref(&name)? {
        None => put(ctx, gid, &name, commit)?,
        Some(before) if ctx.ws.repo.is_ancestor(commit, before)? => {}
        Some(before) => {
            let info = ctx.ws.repo.commit(commit)?;
            let both = ctx.ws.repo.write_commit(&NewCommit {
                tree: info.tree,
                parents: &[commit, before],
                message: &message(gid, attempt),
                at: info.at,
            })?;
            set(ctx, &name, both)?;
            record(ctx, gid, &name, commit)?;
        }
    }
    Ok(name)
}

/// The message of what an attempt left.
pub fn message(gid: &str, attempt: u32) -> String {
    format!("{gid}: what attempt {attempt} left\n")
}

fn put(ctx: &Context<'_>, gid: &str, name: &str, commit: Oid) -> Result<()> {
    set(ctx, name, commit)?;
    record(ctx, gid, name, commit)
}

fn set(ctx: &Context<'_>, name: &str, commit: Oid) -> Result<()> {
    ctx.sync_objects()?;
    match ctx.ws.move_ref(name, Expect::Whatever, Some(commit), "otto: archived")? {
        Ok(()) => Ok(()),
        Err(_found) => Err(Error::bug(format!("'{name}' cannot be written"))),
    }
}

fn record(ctx: &Context<'_>, gid: &str, name: &str, commit: Oid) -> Result<()> {
    ctx.session
        .append_with(ctx.ws, |s| {
            let known = s.archived.iter().any(|(n, c)| n == name && *c == commit);
            let event = WorkArchived { name: name.to_owned(), commit };
            Ok(if known { Vec::new() } else { vec![Entry::group(gid, event)] })
        })
        .map(drop)
}
