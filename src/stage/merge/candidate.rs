//! A candidate: the tip merged with a group's head, built off-tree, reachable from its own ref
//! while it is tested.

use crate::base::{Error, Result};
use crate::git::{Conflict, Expect, Merge, NewCommit, Oid};
use crate::session::event::CandidateBuilt;
use crate::session::layout::refs;
use crate::stage::Context;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    pub tip: Oid,
    pub head: Oid,
    pub commit: Oid,
    pub tree: Oid,
}

/// What became of merging a head into the tip.
#[derive(Debug)]
pub enum Built {
    Candidate(Candidate),
    /// Nothing would change: this commit already holds the work.
    Redundant {
        held_by: Oid,
    },
    Conflict(Vec<Conflict>),
}

pub fn build(ctx: &Context<'_>, gid: &str, tip: Oid, head: Oid) -> Result<Built> {
    let repo = &ctx.ws.repo;
    let tree = match repo.merge(tip, head)? {
        Merge::Clean { contained: true, .. } => return Ok(Built::Redundant { held_by: tip }),
        Merge::Clean { tree, contained: false } => tree,
        Merge::Conflicted { conflicts } => return Ok(Built::Conflict(conflicts)),
    };
    if tree == repo.tree_of(tip)? {
        return Ok(Built::Redundant { held_by: tip });
    }
    let commit = repo.write_commit(&NewCommit {
        tree,
        parents: &[tip, head],
        message: &format!("candidate {gid}\n\nOtto-Session: {}\n", ctx.sid()),
        at: repo.commit(head)?.at,
    })?;
    let name = refs::candidate(&ctx.session.id, gid);
    if ctx.ws.move_ref(&name, Expect::Whatever, Some(commit), "otto: candidate")?.is_err() {
        return Err(Error::bug(format!("the ref '{name}' cannot be written")));
    }
    ctx.group_event(gid, CandidateBuilt { tip, head, commit, tree })?;
    Ok(Built::Candidate(Candidate { tip, head, commit, tree }))
}
