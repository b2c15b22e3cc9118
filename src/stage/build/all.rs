//! Several groups at once: a group starts the moment its dependencies are there.

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::time::Duration;

use super::group::{Again, GroupEnd, build_group};
use super::schedule::{blocked, ready};
use crate::base::{Error, Exit, Result};
use crate::process::stop;
use crate::session::event::GroupBlocked;
use crate::session::state::Phase;
use crate::spec::Group;
use crate::stage::{Context, Item};

/// How often the journal is looked at while groups build: the queue may send one back.
const LOOK: Duration = Duration::from_millis(300);

/// Builds everything that can be built, `jobs` at a time. Failures stay local (I9). Returns the
/// exit code of the stage.
pub fn build_all(ctx: &Context<'_>, jobs: usize) -> Result<Exit> {
    let mut running: BTreeSet<String> = BTreeSet::new();
    // Groups that cannot be tried again in this run: somebody else holds them, or a turn could
    // not even start.
    let mut left_alone: BTreeSet<String> = BTreeSet::new();
    let mut worst = Exit::YES;
    let mut first_error: Option<Error> = None;
    let (send, ended) = mpsc::channel::<(String, Result<GroupEnd>)>();

    std::thread::scope(|scope| -> Result<()> {
        loop {
            let state = ctx.state()?;
            let stopping = stop::requested().is_some() || first_error.is_some();
            if !stopping {
                for gid in ready(&ctx.spec, &state) {
                    if running.len() >= jobs {
                        break;
                    }
                    if running.contains(gid) || left_alone.contains(gid) {
                        continue;
                    }
                    let group = ctx.group(gid)?;
                    running.insert(gid.to_owned());
                    let send = send.clone();
                    scope.spawn(move || {
                        let end = build_group(ctx, group, Again::No, None, &[]);
                        // The receiver lives until every thread has ended.
                        drop(send.send((group.id.clone(), end)));
                    });
                }
            }
            if running.is_empty() {
                return Ok(());
            }
            let Ok((gid, end)) = ended.recv_timeout(LOOK) else { continue };
            running.remove(&gid);
            match end {
                Ok(end) => {
                    if matches!(end, GroupEnd::Failed { .. }) {
                        worst = worst.worse(Exit::NO);
                    }
                    report_end(ctx, ctx.group(&gid)?, &end);
                }
                Err(e) => {
                    left_alone.insert(gid.clone());
                    worst = worst.worse(e.exit());
                    ctx.report.say(&format!("{gid}: {e}"));
                    // What concerns one group does not stop the others; what concerns all does.
                    if e.exit() != Exit::NO && first_error.is_none() {
                        first_error = Some(e);
                    }
                }
            }
        }
    })?;
    stop::check()?;
    if let Some(e) = first_error {
        return Err(e);
    }
    Ok(worst.worse(record_blocked(ctx)?))
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
