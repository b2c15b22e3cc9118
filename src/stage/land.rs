//! Land: the target branch moves to the integration tip. The only step that touches what the user
//! has: fast-forward only, nothing of theirs overwritten.

mod checkout;

use crate::base::{Error, Result};
use crate::disk::lock::{self, Target};
use crate::git::{Expect, Oid};
use crate::session::event::{LandLanded, LandRefused, LandStarted};
use crate::session::journal::Entry;
use crate::session::state::LandState;
use crate::stage::Context;
use crate::stage::merge::settled_tip;
use checkout::Checkout;

/// What a person insists on.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub expect_target: Option<Oid>,
    pub expect_tip: Option<Oid>,
    /// The verdict that was accepted by name, and by whom.
    pub accepted: Option<(String, String)>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landed {
    Moved { target: String, old: Oid, new: Oid },
    AlreadyThere { target: String },
}

/// Moves the target. The caller has seen to the verdict of the product as it is now.
pub fn land(ctx: &Context<'_>, options: &Options) -> Result<Landed> {
    let path = ctx.ws.layout.target_lock();
    let _held = lock::try_hold::<Target>(&path)?.map_err(lock::Busy::into_error)?;
    let repo = &ctx.ws.repo;
    let tip = settled_tip(ctx)?;
    let state = ctx.state()?;
    let target = ctx.session.record.target.clone().ok_or_else(|| {
        Error::no("this session has no target branch").hint("start a run with --target <branch>")
    })?;
    if let LandState::Started { old, new, .. } = state.land
        && let Some(landed) = settle_open(ctx, options, &target, (old, new), tip)?
    {
        return Ok(landed);
    }
    let old = repo
        .read_ref(&target)?
        .ok_or_else(|| Error::machine(format!("the target '{target}' does not exist any more")))?;
    if repo.is_ancestor(tip, old)? {
        return Ok(Landed::AlreadyThere { target });
    }
    expected("the target", options.expect_target, old)?;
    expected("the tip", options.expect_tip, tip)?;
    if !repo.is_ancestor(old, tip)? {
        let why = format!(
            "'{target}' moved on: it is at {}, and the product was built from {}",
            old.short(),
            ctx.base().short()
        );
        refused(ctx, &target, why.clone())?;
        return Err(Error::no(why).hint(format!(
            "bring it in and audit again: otto merge --session {sid} --sync && otto audit --session {sid}",
            sid = ctx.sid()
        )));
    }
    let place = repo.checked_out_at(&target)?;
    if let Some(place) = &place {
        Checkout::inspect(ctx, place, old, tip)?.rehearse()?;
    }
    ctx.append(Entry::new(LandStarted {
        target: target.clone(),
        old,
        new: tip,
        checked_out: place.is_some(),
        accepted: options.accepted.as_ref().map(|a| a.0.clone()),
        by: options.accepted.as_ref().map(|a| a.1.clone()),
    }))?;
    complete(ctx, &target, old, tip)
}

fn expected(what: &str, wanted: Option<Oid>, found: Oid) -> Result<()> {
    match wanted {
        Some(wanted) if wanted != found => {
            Err(Error::no(format!("{what} is at {found} and not at {wanted}"))
                .hint("somebody moved it since you looked; look again, then land what you saw"))
        }
        Some(_) | None => Ok(()),
    }
}

fn refused(ctx: &Context<'_>, target: &str, reason: String) -> Result<()> {
    ctx.append(Entry::new(LandRefused { target: target.to_owned(), reason }))
}

/// A landing that a kill left open: finished when it is of the product as it is now, or when the
/// branch has moved already; else taken back. `None`: there is still something to land.
fn settle_open(
    ctx: &Context<'_>,
    options: &Options,
    target: &str,
    (old, new): (Oid, Oid),
    tip: Oid,
) -> Result<Option<Landed>> {
    // Whoever looked in between may have seen either half.
    if options.expect_target != Some(new) {
        expected("the target", options.expect_target, old)?;
    }
    expected("the tip", options.expect_tip, tip)?;
    let now = ctx.ws.repo.read_ref(target)?;
    if new == tip {
        return complete(ctx, target, old, new).map(Some);
    }
    if now != Some(old) {
        return complete(ctx, target, old, new).map(|_| None);
    }
    if let Some(place) = ctx.ws.repo.checked_out_at(target)? {
        // The half that was done: from what is `new` already back to `old`.
        let half = Checkout::inspect(ctx, &place, old, new)?;
        half.take_back()?;
    }
    let why = format!("the product moved on from {} before it was landed", new.short());
    refused(ctx, target, why)?;
    Ok(None)
}

/// The second half, also after a kill: files first, then the branch, each idempotent.
fn complete(ctx: &Context<'_>, target: &str, old: Oid, new: Oid) -> Result<Landed> {
    let repo = &ctx.ws.repo;
    let now = repo.read_ref(target)?;
    if now != Some(old) && now != Some(new) {
        refused(ctx, target, "the target moved while it was being landed".into())?;
        return Err(Error::no(format!(
            "'{target}' moved while it was being landed: {}",
            now.map_or("gone".into(), |n| n.to_string())
        ))
        .hint(format!("bring it in: otto merge --session {} --sync", ctx.sid())));
    }
    if now == Some(old) {
        // Asked again: what was checked out when the landing was announced need not be now.
        if let Some(place) = repo.checked_out_at(target)? {
            let updated = Checkout::inspect(ctx, &place, old, new)
                .and_then(|checkout| checkout.rehearse().and_then(|()| checkout.update()));
            if let Err(e) = updated {
                refused(ctx, target, e.to_string())?;
                return Err(e);
            }
        }
        let message = format!("otto: land {}", ctx.sid());
        if ctx.ws.move_ref(target, Expect::At(old), Some(new), &message)?.is_err() {
            return Err(Error::no(format!("'{target}' moved at this moment")).hint("land again"));
        }
    }
    ctx.append(Entry::new(LandLanded { target: target.into(), old, new }))?;
    super::merge::anchor(ctx)?;
    Ok(Landed::Moved { target: target.into(), old, new })
}
