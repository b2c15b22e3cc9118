//! Several groups at once: a group starts the moment its dependencies are there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;
use std::time::Duration;

use super::group::{Again, GroupEnd, build_group};
use super::schedule::{blocked, in_turn, ready};
use crate::base::{Error, Exit, Remedy, Result};
use crate::disk::lock::{self, Group as GroupLock};
use crate::git::Oid;
use crate::process::stop;
use crate::session::event::GroupBlocked;
use crate::session::state::Phase;
use crate::spec::Group;
use crate::stage::{Context, Item};

/// How often the journal is looked at while groups build: the queue may send one back.
const LOOK: Duration = Duration::from_millis(300);
/// So many looks a group that somebody else holds is waited for before its 75 counts.
const PATIENCE: u32 = 20;

/// Builds everything that can be built, `jobs` at a time. Failures stay local (I9). Returns the
/// exit code of the stage.
pub fn build_all(ctx: &Context<'_>, jobs: usize) -> Result<Exit> {
    ctx.settle_slots()?;
    let mut running: BTreeSet<String> = BTreeSet::new();
    // Groups that could not be tried, with the tip at that time: another tip may mend it.
    let mut left_alone: BTreeMap<String, Option<Oid>> = BTreeMap::new();
    let mut worst = Exit::YES;
    // Looks since a group was found held by somebody else.
    let mut waited: Option<u32> = None;
    // What concerns everybody (the budget, the agent, this machine) starts nothing more.
    let mut for_all: Option<Error> = None;
    // What concerns one group (held by somebody, told to wait) stops nothing else.
    let mut for_one: Option<(String, Error)> = None;
    let (send, ended) = mpsc::channel::<(String, Result<GroupEnd>)>();

    std::thread::scope(|scope| -> Result<()> {
        loop {
            if stop::requested().is_none() && for_all.is_none() {
                let now = ctx.session.with_state(|s| {
                    let may = |g: &&str| left_alone.get(*g) != Some(&s.tip());
                    let ids = ready(&ctx.spec, s).into_iter().filter(may).map(str::to_owned);
                    in_turn(&s.batches, &running, ids.collect())
                })?;
                waited = waited.map(|n: u32| n + 1);
                for gid in now {
                    if running.len() >= jobs {
                        break;
                    }
                    if running.contains(&gid) {
                        continue;
                    }
                    let group = ctx.group(&gid)?;
                    // Somebody else builds or judges it; perhaps only for a moment.
                    if held_by_another(ctx, &gid)? && waited.is_none_or(|n| n < PATIENCE) {
                        waited.get_or_insert(0);
                        continue;
                    }
                    running.insert(gid);
                    let send = send.clone();
                    scope.spawn(move || {
                        let end = build_group(ctx, group, Again::No, None, &[]);
                        // The receiver lives until every thread has ended.
                        drop(send.send((group.id.clone(), end)));
                    });
                }
            }
            let waiting = waited.is_some_and(|n| n < PATIENCE) && stop::requested().is_none();
            if running.is_empty() && !waiting {
                return Ok(());
            }
            let Ok((gid, end)) = ended.recv_timeout(LOOK) else { continue };
            waited = None;
            running.remove(&gid);
            match end {
                Ok(end) => {
                    if matches!(end, GroupEnd::Failed { .. }) {
                        worst = worst.worse(Exit::NO);
                    }
                    report_end(ctx, ctx.group(&gid)?, &end);
                }
                Err(e) => {
                    left_alone.insert(gid.clone(), ctx.session.with_state(|s| s.tip())?);
                    ctx.report.say(&format!("{gid}: {e}"));
                    match e.remedy {
                        Remedy::No | Remedy::Later { .. } => drop(for_one.get_or_insert((gid, e))),
                        Remedy::Usage
                        | Remedy::Input
                        | Remedy::Missing
                        | Remedy::Bug
                        | Remedy::Person
                        | Remedy::Machine
                        | Remedy::Interrupted { .. } => drop(for_all.get_or_insert(e)),
                    }
                }
            }
        }
    })?;
    stop::check()?;
    if let Some(e) = for_all {
        return Err(e);
    }
    worst = worst.worse(record_blocked(ctx)?);
    match for_one {
        // It may have been mended since, by whoever held it.
        Some((gid, e)) if !ctx.session.with_state(|s| s.phase(&gid).satisfies_dependents())? => {
            if e.exit() == Exit::NO { Ok(worst.worse(Exit::NO)) } else { Err(e) }
        }
        Some(_) | None => Ok(worst),
    }
}

fn held_by_another(ctx: &Context<'_>, gid: &str) -> Result<bool> {
    let path = ctx.ws.layout.group_lock(&ctx.session.id, gid);
    Ok(lock::holder::<GroupLock>(&path)?.is_some())
}

fn record_blocked(ctx: &Context<'_>) -> Result<Exit> {
    let state = ctx.state()?;
    let mut worst = Exit::YES;
    for (gid, by) in blocked(&ctx.spec, &state) {
        worst = Exit::NO;
        if state.phase(gid) != (Phase::Blocked { by: by.clone() }) {
            ctx.group_event(gid, GroupBlocked { by: by.clone() })?;
        }
        ctx.report.item(&Item::Group {
            group: gid.to_owned(),
            state: "blocked",
            attempts: 0,
            commit: None,
            reason: format!("waits for {}", by.join(", ")),
        });
    }
    for group in &ctx.spec.groups {
        if let Phase::Failed { .. } | Phase::Aborted { .. } = state.phase(&group.id) {
            worst = Exit::NO;
        }
    }
    Ok(worst)
}

/// The item of a group that reached its end.
pub fn report_end(ctx: &Context<'_>, group: &Group, end: &GroupEnd) {
    let item = match end {
        GroupEnd::Passing { commit, attempts } => Item::Group {
            group: group.id.clone(),
            state: "passing",
            attempts: *attempts,
            commit: Some(*commit),
            reason: String::new(),
        },
        GroupEnd::Failed { reason, attempts } => Item::Group {
            group: group.id.clone(),
            state: "failed",
            attempts: *attempts,
            commit: None,
            reason: reason.clone(),
        },
        GroupEnd::In => Item::Group {
            group: group.id.clone(),
            state: "landed",
            attempts: 0,
            commit: None,
            reason: "its work is in the product already".into(),
        },
    };
    ctx.report.item(&item);
}
