use std::path::PathBuf;

use otto::base::{Error, Exit, Result};
use otto::cli::{Stream, Ui};
use otto::disk;
use otto::session::Session;
use otto::spec::{Check, Spec};
use otto::stage::Context;
use otto::stage::by_hand::{Judged, controls, junit, run as run_by_hand, sarif, wanted};
use otto::stage::compile::read_spec_file;

/// Run checks by hand, at any commit, through the same gate
///
/// Takes them from a session's spec or from a spec file; runs each in a fresh worktree at the
/// commit. Evidence is kept in the session. A red one says whether it failed before.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto check --session latest --group login\n  otto check --session latest --at main\n  otto check --session latest --check login-tests --at HEAD~1\n  otto check --session latest --junit report.xml --sarif report.sarif\n  otto check --session latest --mutate      # is every check evidence of something?\n\nEXIT CODES\n  0 all passed · 1 one did not, or a control did not turn red"
)]
pub struct Args {
    /// The session whose spec, configuration and evidence folder are used
    #[arg(long, short = 's', value_name = "SESSION", default_value = "latest")]
    session: String,
    /// Take the checks from this spec file instead
    #[arg(long, value_name = "FILE")]
    spec: Option<PathBuf>,
    /// Only those of one group
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Only this one
    #[arg(long, value_name = "CHECK")]
    check: Option<String>,
    /// The commit to judge; without it the integration tip
    #[arg(long, value_name = "COMMIT")]
    at: Option<String>,
    /// Take each group's own work away, and see whether its acceptance checks turn red
    ///
    /// Tests and other files that define checks stay. A check that stays green is evidence of
    /// nothing; it is recorded, and the proof says so.
    #[arg(long, conflicts_with_all = ["at", "spec", "junit", "sarif"])]
    mutate: bool,
    /// Write the outcomes as JUnit XML, whatever they are
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write what is not green as SARIF 2.1.0
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Write JSON lines even to a terminal
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let session = Session::open(&ws, &args.session)?;
    let out = Stream::new(ui, args.json, false);
    let ctx = Context::open_to_work(&ws, &session, &out)?.by_hand();
    if let Some(gid) = &args.group {
        ctx.group(gid)?;
    }
    let exit = if args.mutate { mutate(&args, &ctx, &out)? } else { judge(&args, ctx, &out)? };
    out.end("check", exit, None);
    Ok(exit)
}

fn judge(args: &Args, ctx: Context<'_>, out: &Stream) -> Result<Exit> {
    let spec = match &args.spec {
        Some(path) => read_spec_file(path, None)?.spec,
        None => ctx.spec.clone(),
    };
    let ctx = ctx.with_services_of(&spec);
    let commit = match &args.at {
        Some(rev) => ctx.ws.repo.resolve_commit(rev)?,
        None => ctx.state()?.tip().unwrap_or(ctx.base()),
    };
    let checks = selected(args, &spec);
    if checks.is_empty() {
        return Err(nothing());
    }
    out.handle(&ctx.session.id);
    let mut judged: Vec<Judged> = Vec::new();
    let result = run_by_hand(&ctx, &checks, commit, &mut judged);
    // Also of what was judged before something went wrong.
    if let Some(path) = &args.junit {
        disk::hand_out(path, junit(&judged)?.as_bytes())?;
    }
    if let Some(path) = &args.sarif {
        let files = ctx.ws.repo.files_of(commit)?.into_iter().collect();
        disk::hand_out(path, sarif(&judged, &files).as_bytes())?;
    }
    result?;
    let green = judged.iter().all(|j| j.outcome.is_pass());
    Ok(if green { Exit::YES } else { Exit::NO })
}

fn mutate(args: &Args, ctx: &Context<'_>, out: &Stream) -> Result<Exit> {
    let (mut any, mut all) = (false, true);
    out.handle(&ctx.session.id);
    for group in ctx.spec.groups.iter().filter(|g| args.group.as_ref().is_none_or(|id| *id == g.id))
    {
        let checks: Vec<&Check> =
            wanted(group).filter(|c| args.check.as_ref().is_none_or(|id| *id == c.id)).collect();
        any |= !checks.is_empty();
        all &= controls(ctx, group, &checks)?;
    }
    match (any, all) {
        (false, _) => Err(nothing()),
        (true, true) => Ok(Exit::YES),
        (true, false) => Ok(Exit::NO),
    }
}

fn selected<'a>(args: &Args, spec: &'a Spec) -> Vec<(Option<String>, &'a Check)> {
    spec.checks()
        .map(|(group, check)| (group.map(|g| g.id.clone()), check))
        .filter(|(group, _)| args.group.is_none() || *group == args.group)
        .filter(|(_, check)| args.check.as_ref().is_none_or(|c| *c == check.id))
        .collect()
}

fn nothing() -> Error {
    Error::usage("no check is selected").hint("otto spec show lists them")
}
