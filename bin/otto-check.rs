use std::path::PathBuf;

use otto::base::{Error, Exit, Json, Result};
use otto::check::batch::{Bench, Caching, Ran};
use otto::check::service::Declared;
use otto::cli::{Stream, Ui};
use otto::session::Session;
use otto::spec::Check;
use otto::stage::compile::read_spec_file;
use otto::stage::{Context, Item, Report};

/// Run checks by hand, at any commit, through the same gate
///
/// Takes them from a session's spec or from a spec file; runs each in a fresh worktree at the
/// commit. Evidence is kept in the session.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto check --session latest --group login\n  otto check --session latest --at main\n  otto check --session latest --check login-tests --at HEAD~1\n\nEXIT CODES\n  0 all passed · 1 one did not"
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
    /// Write JSON lines even to a terminal
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let session = Session::open(&ws, &args.session)?;
    let out = Stream::new(ui, args.json, false);
    let ctx = Context::open_to_work(&ws, &session, &out)?;
    let spec = match &args.spec {
        Some(path) => read_spec_file(path, None)?.spec,
        None => ctx.spec.clone(),
    };
    if let Some(gid) = &args.group {
        ctx.group(gid)?;
    }
    let commit = match &args.at {
        Some(rev) => ws.repo.resolve_commit(rev)?,
        None => ctx.state()?.tip().unwrap_or(session.record.base),
    };
    let checks: Vec<(Option<String>, &Check)> = spec
        .checks()
        .map(|(group, check)| (group.map(|g| g.id.clone()), check))
        .filter(|(group, _)| args.group.is_none() || *group == args.group)
        .filter(|(_, check)| args.check.as_ref().is_none_or(|c| *c == check.id))
        .collect();
    if checks.is_empty() {
        return Err(Error::usage("no check is selected").hint("otto spec show lists them"));
    }
    out.handle(&session.id);
    let only: Vec<&Check> = checks.iter().map(|(_, c)| *c).collect();
    let mut worst = Exit::YES;
    let mut at = 0;
    let services = Declared { services: &spec.services, fixtures: &spec.fixtures };
    let bench = Bench { declared: services, ..ctx.bench_by_hand()? };
    bench.run(
        &only,
        commit,
        session.record.base,
        Caching::Never,
        || ctx.left(),
        &mut |ran: &Ran| {
            let outcome = Json::of(&ran.outcome)?;
            out.item(&Item::Check {
                check: ran.check.clone(),
                phase: "hand",
                group: checks[at].0.clone(),
                outcome,
                cached: false,
            });
            at += 1;
            if !ran.outcome.is_pass() {
                worst = Exit::NO;
            }
            Ok(())
        },
    )?;
    out.end("check", worst, None);
    Ok(worst)
}
