//! `otto merge --sync`: the target branch moved on; it is merged into the integration ref as a
//! tested landing. The full audit has to run again after it.

use super::candidate::Candidate;
use super::landing::{Landing, Subject, Tested, land};
use super::process::Queue;
use super::queue::features_are_in;
use crate::base::{Error, Result};
use crate::check::batch::Caching;
use crate::git::{Merge, NewCommit};
use crate::session::event::CheckPhase;
use crate::spec::{Check, Purpose};
use crate::stage::Context;
use crate::stage::build::note_check;

/// Brings the target in; `None` when the integration ref contains it already.
pub fn sync(ctx: &Context<'_>, queue: &Queue) -> Result<Option<Landing>> {
    let repo = &ctx.ws.repo;
    let target = ctx.session.record.target.clone().ok_or_else(|| {
        Error::no("this session has no target branch")
            .hint("name one when you start a run: --target")
    })?;
    let theirs = repo
        .read_ref(&target)?
        .ok_or_else(|| Error::machine(format!("the target '{target}' does not exist any more")))?;
    let state = ctx.state()?;
    let tip = state.tip().unwrap_or(ctx.base());
    if repo.is_ancestor(theirs, tip)? {
        return Ok(None);
    }
    let short = target.trim_start_matches("refs/heads/").to_owned();
    let tree = match repo.merge(tip, theirs)? {
        Merge::Clean { tree, .. } => tree,
        Merge::Conflicted { conflicts } => {
            let paths: Vec<_> = conflicts.iter().map(|c| c.path.as_str()).collect();
            return Err(Error::person(format!(
                "'{short}' and the product conflict in {}",
                paths.join(", ")
            ))
            .hint(format!(
                "merge it by hand on the integration branch, then: otto merge --session {} --adopt",
                ctx.sid()
            )));
        }
    };
    let commit = repo.write_commit(&NewCommit {
        tree,
        parents: &[tip, theirs],
        message: &format!("candidate sync {short}\n\nOtto-Session: {}\n", ctx.sid()),
        at: repo.commit(theirs)?.at,
    })?;
    let pseudo = format!("{}{}", crate::session::SYNC, theirs.short());
    // Everything that is in must still hold together with what the target brought.
    let checks: Vec<&Check> = ctx
        .spec
        .groups
        .iter()
        .filter(|g| state.phase(&g.id).is_in())
        .flat_map(|g| &g.checks)
        .chain(ctx.spec.cross_group_checks.iter().filter(|c| {
            c.purpose == Purpose::Regression
                || features_are_in(&ctx.spec, &state, &c.features, &pseudo)
        }))
        .collect();
    let candidate = Candidate { tip, head: theirs, commit, tree };
    let ran =
        ctx.bench()?.run(&checks, commit, ctx.base(), Caching::Use, || ctx.left(), &mut |ran| {
            note_check(ctx, &pseudo, 0, CheckPhase::Candidate, ran)
        })?;
    match Tested::new(candidate, ran) {
        Ok(tested) => {
            let title = format!("sync {short}");
            let subject = Subject { gid: &pseudo, title: &title, attempt: None };
            land(ctx, queue.held(), &subject, tested)?
                .map(Some)
                .ok_or_else(|| Error::no("the session was ended while this was tested"))
        }
        Err(red) => {
            let names: Vec<_> = red.iter().map(|r| r.check.as_str()).collect();
            Err(Error::no(format!(
                "with '{short}' merged in, these are not green: {}",
                names.join(", ")
            ))
            .hint(format!("otto status {} shows their output", ctx.sid())))
        }
    }
}
