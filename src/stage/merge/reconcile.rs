//! Refs and journal after a kill, a `gc`, or a person: what the journal announced is completed,
//! what somebody did by hand is never "repaired".

use super::landing::{complete, moved_by_hand};
use crate::base::Result;
use crate::disk::Held;
use crate::disk::lock::Integ;
use crate::git::{Expect, Oid};
use crate::stage::Context;

/// Completes an open landing and checks that the integration ref is where the journal says.
/// Returns the tip.
pub fn reconcile(ctx: &Context<'_>, held: &Held<Integ>) -> Result<Oid> {
    let state = ctx.state()?;
    if let Some(open) = &state.open_landing {
        // The object of an unsynced landing may be gone after a power cut; then nothing moved and
        // the group is still passing, so its landing is simply made again.
        if ctx.ws.repo.has_object(open.intent.new) {
            ctx.report.say(&format!("completing the landing of {}", open.group));
            complete(ctx, held, &open.group, open.attempt, &open.intent)?;
        } else {
            ctx.group_event(
                &open.group,
                crate::session::event::MergeRefused {
                    tip: open.intent.old,
                    head: open.intent.head,
                    reason: "its commit was lost before the ref moved".into(),
                },
            )?;
        }
    }
    let state = ctx.state()?;
    let name = ctx.session.integ_ref();
    let recorded = state.landings.last().map(|l| l.new);
    let found = ctx.ws.repo.read_ref(&name)?;
    match (recorded, found) {
        (None, None) => Ok(ctx.base()),
        (Some(recorded), Some(found)) if recorded == found => Ok(recorded),
        (Some(recorded), None) => {
            // Missing is repaired, when what it pointed to is still there.
            ctx.report.say(&format!("'{name}' was missing and is made again"));
            if ctx.ws.repo.has_object(recorded)
                && ctx.ws.move_ref(&name, Expect::Absent, Some(recorded), "otto: restored")?.is_ok()
            {
                return Ok(recorded);
            }
            Err(moved_by_hand(ctx, recorded, None))
        }
        (recorded, found) => Err(moved_by_hand(ctx, recorded.unwrap_or(ctx.base()), found)),
    }
}
