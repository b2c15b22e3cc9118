//! The attic: work that cannot go on a branch is kept under a ref of its own, so that nothing that
//! was made becomes unreachable (I3).

use crate::base::{Error, Result};
use crate::git::{Expect, NewCommit};
use crate::session::event::WorkArchived;
use crate::session::journal::Entry;
use crate::session::layout::refs;
use crate::stage::Context;

/// Keeps a commit as what `attempt` of `gid` left, durably and recorded. Returns the ref.
pub fn keep(ctx: &Context<'_>, gid: &str, attempt: u32, work: &NewCommit<'_>) -> Result<String> {
    let commit = ctx.ws.repo.write_commit(work)?;
    ctx.sync_objects()?;
    let name = refs::attic(&ctx.session.id, gid, attempt);
    if ctx.ws.move_ref(&name, Expect::Whatever, Some(commit), "otto: archived")?.is_err() {
        return Err(Error::bug(format!("'{name}' cannot be written")));
    }
    ctx.append(Entry::group(gid, WorkArchived { name: name.clone(), commit }))?;
    Ok(name)
}
