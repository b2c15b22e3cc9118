//! Refs and journal after a kill, a `gc`, or a person: what the journal announced is completed,
//! what somebody did by hand is never "repaired". `settle` decides, this does it.

use super::landing::{Landing, complete, moved_by_hand};
use super::settle::{Settle, settle};
use crate::base::{Error, Result};
use crate::disk::Held;
use crate::disk::lock::{self, Integ};
use crate::git::{Expect, Oid};
use crate::session::event::MergeRefused;
use crate::session::state::State;
use crate::stage::Context;

/// More rounds than a ref and an announcement can need.
const ROUNDS: usize = 4;

/// The tip of the product, for a stage that does not land: where the ref is not there, what a stop
/// or a power cut left is mended first, unless somebody lands right now (75).
pub fn settled_tip(ctx: &Context<'_>) -> Result<Oid> {
    let look =
        || ctx.session.with_state(|s| (s.landings.last().map(|l| l.new), s.open_landing.is_some()));
    let (tip, open) = look()?;
    if open
        || tip.is_some_and(|tip| {
            ctx.ws.read_own_ref(&ctx.session.integ_ref()).ok().flatten() != Some(tip)
        })
    {
        let path = ctx.ws.layout.queue_lock(&ctx.session.id);
        let held = lock::try_hold::<Integ>(&path)?.map_err(lock::Busy::into_error)?;
        reconcile(ctx, &held)?;
    }
    look()?.0.ok_or_else(|| Error::no("nothing has landed in the integration branch yet"))
}

/// Completes an open landing and checks that the integration ref is where the journal says.
/// Returns the tip.
pub fn reconcile(ctx: &Context<'_>, held: &Held<Integ>) -> Result<Oid> {
    for _ in 0..ROUNDS {
        let state = ctx.state()?;
        let step = look(ctx, &state)?;
        match (step, &state.open_landing) {
            (Settle::Agrees(tip), _) => return Ok(tip),
            (Settle::Complete { .. }, Some(open)) => {
                ctx.report.say(&format!("completing the landing of {}", open.group));
                act(ctx, held, &state, step)?;
            }
            (Settle::Restore { .. }, _) => {
                let name = ctx.session.integ_ref();
                ctx.report.say(&format!("'{name}' was lost and is made again"));
                act(ctx, held, &state, step)?;
            }
            _ => drop(act(ctx, held, &state, step)?),
        }
    }
    Err(Error::bug("the integration ref and the journal do not come to agree"))
}

/// The second half of a landing that was announced a moment ago; `None` when it was taken back.
pub(super) fn finish_announced(ctx: &Context<'_>, held: &Held<Integ>) -> Result<Option<Landing>> {
    let state = ctx.state()?;
    let step = look(ctx, &state)?;
    act(ctx, held, &state, step)
}

fn look(ctx: &Context<'_>, state: &State) -> Result<Settle> {
    let found = ctx.ws.read_own_ref(&ctx.session.integ_ref())?;
    let boot = crate::process::boot_id();
    Ok(settle(state, ctx.base(), found, boot.as_deref(), |id| ctx.ws.repo.has_object(id)))
}

fn act(
    ctx: &Context<'_>,
    held: &Held<Integ>,
    state: &State,
    step: Settle,
) -> Result<Option<Landing>> {
    match (step, &state.open_landing) {
        (Settle::Complete { from }, Some(open)) => {
            complete(ctx, held, &open.group, open.attempt, &open.intent, from).map(Some)
        }
        (Settle::Refuse, Some(open)) => {
            let reason = "it was announced, and its commit was lost or the session was ended \
                          before the ref moved";
            let event = MergeRefused {
                tip: open.intent.old,
                head: open.intent.head,
                reason: reason.into(),
            };
            ctx.group_event(&open.group, event)?;
            Ok(None)
        }
        (Settle::Restore { from, to }, _) => {
            let name = ctx.session.integ_ref();
            ctx.refuse_checked_out(&name)?;
            let expect = Expect::from_option(from);
            match ctx.ws.move_ref(&name, expect, Some(to), "otto: restored")? {
                Ok(()) => Ok(None),
                Err(found) => Err(moved_by_hand(ctx, to, found)),
            }
        }
        (Settle::MovedByHand { recorded, found }, _) => Err(moved_by_hand(ctx, recorded, found)),
        (Settle::Agrees(_), _) | (Settle::Complete { .. } | Settle::Refuse, None) => Ok(None),
    }
}
