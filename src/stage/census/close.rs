//! The end of a run and of a session: what no ref holds is kept, and what is gone is said aloud.

use super::{Census, Place, census, places};
use crate::base::{Error, Result};
use crate::stage::{Context, attic};

/// Keeps strays, and refuses when a patch is gone.
pub fn close(ctx: &Context<'_>) -> Result<Census> {
    let found = keep_strays(ctx)?;
    refuse_lost(ctx, &found)?;
    Ok(found)
}

/// What no ref holds any more (a person moved or removed a build branch) goes to the attic, before
/// git may collect it.
pub fn keep_strays(ctx: &Context<'_>) -> Result<Census> {
    let take = || -> Result<Census> {
        let state = ctx.state()?;
        Ok(census(&state, &places(ctx.ws, ctx.session, &state)?))
    };
    let found = take()?;
    if found.at(Place::Stray).next().is_none() {
        return Ok(found);
    }
    for stray in found.at(Place::Stray) {
        let attempt = stray.attempt.unwrap_or(0);
        let name = attic::keep_commit(ctx, &stray.group, attempt, stray.commit)?;
        ctx.report.say(&format!("{}: no branch held {stray}; it is kept in {name}", stray.group));
    }
    take()
}

/// A patch that is nowhere is our fault until somebody shows another (70).
pub fn refuse_lost(ctx: &Context<'_>, found: &Census) -> Result<()> {
    let Some(patch) = found.at(Place::Lost).chain(found.at(Place::Stray)).next() else {
        return Ok(());
    };
    let dir = ctx.session.layout.build_attempt(&patch.group, patch.attempt.unwrap_or(1));
    let sid = ctx.sid();
    Err(Error::bug(format!("work is missing: {patch} is in no branch; {}", found.counts())).hint(
        format!(
            "look for it: git fsck --unreachable --no-reflogs   its patch: {}\n      \
             with the commit there again: otto run --resume {sid}   without it: otto abort {sid}",
            dir.join("changes.patch").display()
        ),
    ))
}
