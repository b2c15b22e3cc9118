//! A group that cannot land goes back to its builder with a brief, a bounded number of times.
//! The queue never calls a provider itself: it runs `otto-build-group`.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use super::may_land::{by_this_spec, still};
use super::queue::{Next, back_or_up};
use crate::base::{Exit, Result};
use crate::disk;
use crate::git::Oid;
use crate::process::Capture;
use crate::session::event::{GroupFailed, GroupInvalidated, Invalid};
use crate::session::journal::Entry;
use crate::spec::Group;
use crate::stage::{Context, exit_of, step_command};

pub enum Sent {
    Back,
    /// The group has another head by now.
    Overtaken,
    GivenUp(String),
}

/// Records that the group has to be built again, or that it was tried often enough.
pub fn send_back(
    ctx: &Context<'_>,
    group: &Group,
    head: Oid,
    why: Invalid,
    short: &str,
    brief: String,
) -> Result<Sent> {
    // Names of files are in it.
    let [short, brief] = [short, &brief].map(|text| ctx.secrets().hide(text));
    let mut sent = Sent::Overtaken;
    ctx.session.append_with(ctx.ws, |s| {
        let holds = by_this_spec(s, ctx.spec_sha256()).and_then(|()| still(s, &group.id, head));
        if holds.is_err() {
            return Ok(Vec::new());
        }
        Ok(vec![match back_or_up(s, &group.id, ctx.config().merge_attempts) {
            Next::GiveUp(times) => {
                let reason =
                    format!("cannot land after {times} times back at its builder: {short}");
                sent = Sent::GivenUp(reason.clone());
                Entry::group(&group.id, GroupFailed { reason })
            }
            Next::Back => {
                sent = Sent::Back;
                Entry::group(&group.id, GroupInvalidated { reason: why, brief, judge_first: false })
            }
        }])
    })?;
    if matches!(sent, Sent::Back) {
        ctx.report.say(&format!("{}: back to its builder: {short}", group.id));
    }
    Ok(sent)
}

/// Runs the builder as its own process. What it made is read from the journal; an `Err` says why it
/// could not work.
pub fn call_builder(ctx: &Context<'_>, group: &Group, brief: &str) -> Result<Exit> {
    let n = ctx.session.with_state(|s| s.group(&group.id).map_or(1, |g| g.sent_back))?;
    let dir = ctx.session.layout.merge_attempt(&group.id, n);
    let file = dir.join("brief.md");
    disk::replace(&file, ctx.secrets().hide(brief).as_bytes())?;
    run_builder(
        ctx,
        &["--group".as_ref(), group.id.as_ref(), "--brief".as_ref(), file.as_os_str()],
        &dir.join("build-group.log"),
    )
}

/// Runs the builder for everything that can start.
pub fn call_all_builders(ctx: &Context<'_>) -> Result<Exit> {
    let dir = ctx.session.layout.dir.join("steps");
    disk::create_dir_all(&dir)?;
    run_builder(ctx, &["--all".as_ref()], &dir.join("build-group-after-merge.log"))
}

fn run_builder(ctx: &Context<'_>, args: &[&OsStr], log: &Path) -> Result<Exit> {
    let args = args.iter().map(|a| a.to_os_string());
    let finished =
        step_command(ctx.session, ctx.ws.root(), (ctx.deadline, ctx.reuse), "build-group", args)
            .drain(Duration::from_secs(20))
            .run(Capture::Merged(log.to_owned()))?;
    crate::process::stop::check()?;
    exit_of("build-group", &finished.ended, log)
}
