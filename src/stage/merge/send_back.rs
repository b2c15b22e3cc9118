//! A group that cannot land goes back to its builder with a brief, a bounded number of times.
//! The queue never calls a provider itself: it runs `otto-build-group`.

use std::time::Duration;

use crate::base::Result;
use crate::disk;
use crate::process::{Capture, Command, own_command};
use crate::session::event::{GroupFailed, GroupInvalidated, Invalid};
use crate::spec::Group;
use crate::stage::Context;

pub enum Sent {
    Back,
    GivenUp(String),
}

/// Records that the group has to be built again, or that it was tried often enough.
pub fn send_back(
    ctx: &Context<'_>,
    group: &Group,
    why: Invalid,
    short: &str,
    brief: String,
) -> Result<Sent> {
    let sent_before = ctx.session.with_state(|s| s.group(&group.id).map_or(0, |g| g.sent_back))?;
    if sent_before >= ctx.config().merge_attempts {
        let reason = format!("cannot land after {sent_before} times back at its builder: {short}");
        ctx.group_event(&group.id, GroupFailed { reason: reason.clone() })?;
        return Ok(Sent::GivenUp(reason));
    }
    ctx.group_event(&group.id, GroupInvalidated { reason: why, brief })?;
    ctx.report.say(&format!("{}: back to its builder: {short}", group.id));
    Ok(Sent::Back)
}

/// Runs the builder as its own process. How it ended is read from the journal, not from its exit.
pub fn call_builder(ctx: &Context<'_>, group: &Group, brief: &str) -> Result<()> {
    let n = ctx.session.with_state(|s| s.group(&group.id).map_or(1, |g| g.sent_back))?;
    let dir = ctx.session.layout.merge_attempt(&group.id, n);
    let file = dir.join("brief.md");
    disk::replace(&file, brief.as_bytes())?;
    let args = ["--group", &group.id, "--brief", &file.to_string_lossy()].map(str::to_owned);
    run_step(ctx, "otto-build-group", &args, &dir.join("build-group.log"))
}

/// Runs another step of this session to its end; its output goes to a log.
pub fn run_step(
    ctx: &Context<'_>,
    program: &str,
    args: &[String],
    log: &std::path::Path,
) -> Result<()> {
    let mut argv = own_command(program);
    argv.extend(["--session".into(), ctx.sid().into()]);
    argv.extend(args.iter().map(Into::into));
    let mut env: std::collections::BTreeMap<_, _> = std::env::vars_os().collect();
    env.insert(crate::agent::budget::DEADLINE_VAR.into(), ctx.deadline.0.to_string().into());
    if let Some(dir) = log.parent() {
        disk::create_dir_all(dir)?;
    }
    let finished = Command::new(argv, ctx.ws.root(), env)
        .drain(Duration::from_secs(20))
        .run(Capture::Merged(log.to_owned()))?;
    tracing::debug!("{program} ended with {:?}", finished.ended);
    crate::process::stop::check()
}
