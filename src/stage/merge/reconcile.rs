//! Refs and journal after a kill, a `gc`, or a person: what the journal announced is completed,
//! what somebody did by hand is never "repaired".

use super::landing::{complete, moved_by_hand};
use crate::base::{Error, Result};
use crate::disk::Held;
use crate::disk::lock::{self, Integ};
use crate::git::{Expect, Oid};
use crate::stage::Context;

/// The tip of the product, for a stage that does not land: where the ref is not there, what a stop
/// or a power cut left is mended first, unless somebody lands right now (75).
pub fn settled_tip(ctx: &Context<'_>) -> Result<Oid> {
    let (tip, open) = ctx.session.with_state(|s| (s.tip(), s.open_landing.is_some()))?;
    match tip {
        Some(tip) if !open && ctx.ws.read_own_ref(&ctx.session.integ_ref())? == Some(tip) => {
            Ok(tip)
        }
        None if !open => Err(Error::no("nothing has landed in the integration branch yet")),
        Some(_) | None => {
            let path = ctx.ws.layout.queue_lock(&ctx.session.id);
            let held = lock::try_hold::<Integ>(&path)?.map_err(lock::Busy::into_error)?;
            reconcile(ctx, &held)
        }
    }
}

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
    let last = ctx.session.with_state(|s| s.landings.last().cloned())?;
    let name = ctx.session.integ_ref();
    let found = ctx.ws.read_own_ref(&name)?;
    let Some(last) = last else {
        return match found {
            None => Ok(ctx.base()),
            Some(_) => Err(moved_by_hand(ctx, ctx.base(), found)),
        };
    };
    if found == Some(last.new) {
        return Ok(last.new);
    }
    // Lost, and not moved: it is missing, or the power went before the ref was on the disk.
    let rebooted = last.boot.is_some() && last.boot != crate::process::boot_id();
    let lost = found.is_none() || (found == Some(last.old) && rebooted);
    if lost && ctx.ws.repo.has_object(last.new) {
        ctx.report.say(&format!("'{name}' was lost and is made again"));
        ctx.refuse_checked_out(&name)?;
        let expect = Expect::from_option(found);
        if ctx.ws.move_ref(&name, expect, Some(last.new), "otto: restored")?.is_ok() {
            return Ok(last.new);
        }
    }
    Err(moved_by_hand(ctx, last.new, found))
}
