//! `otto merge --adopt`: what a person did to the integration ref is accepted, and said so.

use crate::base::{Error, Result};
use crate::disk::lock::{self, Integ};
use crate::git::Oid;
use crate::session::event::MergeAdopted;
use crate::session::journal::Entry;
use crate::stage::Context;

/// Records where the integration ref is now as the tip. Nothing that landed may be lost by it.
pub fn adopt(ctx: &Context<'_>) -> Result<Option<Oid>> {
    let path = ctx.ws.layout.queue_lock(&ctx.session.id);
    let _held = lock::try_hold::<Integ>(&path)?.map_err(lock::Busy::into_error)?;
    let state = ctx.state()?;
    let name = ctx.session.integ_ref();
    let recorded = state.tip().unwrap_or(ctx.base());
    let found =
        ctx.ws.repo.read_ref(&name)?.ok_or_else(|| {
            Error::no(format!("there is nothing to adopt: '{name}' does not exist"))
        })?;
    if found == recorded {
        return Ok(None);
    }
    if !ctx.ws.repo.is_ancestor(recorded, found)? {
        return Err(Error::person(format!(
            "'{name}' at {} does not contain {}, which has landed",
            found.short(),
            recorded.short()
        ))
        .hint(format!("put it back: git update-ref {name} {recorded}")));
    }
    let tree = ctx.ws.repo.tree_of(found)?;
    // git syncs no objects unless it is told to, and the record names this one.
    ctx.sync_objects()?;
    ctx.append(Entry::new(MergeAdopted { old: recorded, new: found, tree }))?;
    super::anchor(ctx)?;
    Ok(Some(found))
}
