use otto::base::{Error, Exit, Result};
use otto::cli::{SessionArgs, Ui};
use otto::session::event::RunAborted;
use otto::session::journal::Entry;
use otto::session::state::RunState;
use otto::session::{Session, State};
use otto::stage::abort::{abort_group, abort_session, hold_session};
use otto::stage::{Context, Silent};

/// End a session, or one group of it, for good
///
/// What was built stays: branches are kept, and what lies uncommitted in a worktree is kept under
/// refs/otto/attic/. An aborted session is not resumed any more.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto abort 20261120-1011 --reason \"asked for the wrong thing\"\n  otto abort latest --group export\n\nEXIT CODES\n  0 ended · 1 it was ended before · 75 something still builds it"
)]
pub struct Args {
    #[command(flatten)]
    session: SessionArgs,
    /// End only this group; what depends on it is blocked
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Why, for whoever reads the log
    #[arg(long, value_name = "TEXT", default_value = "a person ended it")]
    reason: String,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let session = Session::open(&ws, &args.session.session)?;
    if let RunState::Aborted { reason } = session.with_state(|s| s.run.clone())? {
        return Err(Error::no(format!("the session was aborted already: {reason}")));
    }
    let quiet = if args.group.is_none() { Some(hold_session(&ws, &session)?) } else { None };
    if session.with_state(State::approved)?.is_none() && args.group.is_none() {
        // There is nothing but a session: no group, no worktree, no branch.
        session.append(&ws, Entry::new(RunAborted { reason: args.reason }))?;
        otto::outln!("session {} is aborted", session.id);
        return Ok(Exit::YES);
    }
    let ctx = Context::open(&ws, &session, &Silent)?;
    let kept = match (&args.group, &quiet) {
        (Some(gid), _) => abort_group(&ctx, ctx.group(gid)?, &args.reason)?,
        (None, Some(quiet)) => abort_session(&ctx, quiet, &args.reason)?,
        (None, None) => Vec::new(),
    };
    for name in kept {
        otto::outln!("kept unfinished work in {name}");
    }
    match &args.group {
        Some(gid) => otto::outln!("group {gid} of {} is aborted", session.id),
        None => otto::outln!("session {} is aborted", session.id),
    }
    Ok(Exit::YES)
}
