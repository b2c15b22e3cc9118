use std::path::PathBuf;

use otto::agent::budget::Deadline;
use otto::base::{Error, Exit, Result};
use otto::check::cache::Reuse;
use otto::cli::{ConfigArgs, IntentArgs, Ui};
use otto::disk::Held;
use otto::disk::lock::Run;
use otto::run::{Goal, Resume, finish, go, hold, reopen, resumable};
use otto::session::{Session, Workspace};
use otto::stage::compile::review::approve;
use otto::stage::compile::{Start, create};
use otto::stage::{Silent, record};

/// Run the whole story: compile, build, merge, audit, repair, render
///
/// Starts a session, or goes on with one. Your checkout, branch, index and configuration are not
/// touched; the result is the branch i2p/integ/SESSION and the proof. `otto land` takes it.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto run \"add saved searches to this dashboard\" --provider command\n  otto run --from-spec spec.json\n  otto run --resume\n  otto run --resume 20261120-1011 --budget-seconds 3600\n\nEXIT CODES\n  0 the verdict is passed · 1 it is not · 69 no agent · 75 rate limit: later · 77 it waits for you\n  130, 143 stopped by a signal; otto run --resume goes on"
)]
pub struct Args {
    #[command(flatten)]
    wanted: IntentArgs,
    /// Go on with a session that was stopped; without a name, with the one that is open
    #[arg(long, value_name = "SESSION", num_args = 0..=1, default_missing_value = "")]
    resume: Option<String>,
    /// Approve a spec that waits for review
    #[arg(long, requires = "resume")]
    auto_approve: bool,
    /// Afterwards, write every agent turn into a new folder that --provider replay can play
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Run every check, whatever is known of it already
    #[arg(long)]
    no_cache: bool,
    /// No progress
    #[arg(long, short = 'q')]
    quiet: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let (held, session) = match &args.resume {
        Some(wanted) => resume(&ws, &args, wanted)?,
        None => start(&ws, &args).and_then(|session| Ok((hold(&ws, &session)?, session)))?,
    };
    otto::errln!("session {}", session.id);
    let jobs = args.config.jobs.map_or(session.config.jobs, |j| j as usize).max(1);
    let goal = Goal { kind: args.wanted.kind(), jobs, reuse: Reuse::of_flag(args.no_cache) };
    let budget = args.config.budget_seconds.unwrap_or(session.config.run_budget_seconds);
    let deadline = Deadline::of_step(budget);
    // A resumed run does not tell again what was told.
    let told = if args.resume.is_some() { session.position().seq } else { 0 };
    let progress = ui.progress(args.quiet);
    let result =
        progress.during(&session, told, || go(&ws, &held, &session, &goal, deadline, &Silent));
    let word = result.map_err(|e| with_way_back(e, &session))?;
    if let Some(dir) = &args.record {
        let turns = record::export(&ws, &session, dir)?;
        otto::errln!("recorded {turns} turns in {}", dir.display());
    }
    otto::out!("{}", finish(&ws, &session)?);
    Ok(word.exit())
}

fn start(ws: &Workspace, args: &Args) -> Result<Session> {
    let wanted = args.wanted.read(ws.root())?;
    let start = Start {
        intent: wanted.intent,
        given: wanted.given,
        flags: args.config.flags()?,
        argv: std::env::args().collect(),
    };
    let (session, notes) = create(ws, &start)?;
    for note in &notes {
        otto::errln!("{note}");
    }
    Ok(session)
}

fn resume(ws: &Workspace, args: &Args, wanted: &str) -> Result<(Held<Run>, Session)> {
    if args.wanted.is_given() {
        return Err(Error::usage("a resumed session has its intent and its spec already")
            .hint("leave --resume out to start a new one"));
    }
    let which = if wanted.is_empty() { Resume::Newest } else { Resume::Named(wanted.to_owned()) };
    let session = resumable(ws, &which)?;
    let held = hold(ws, &session)?;
    let session = reopen(ws, &held, session, &args.config.flags()?)?;
    if args.auto_approve {
        approve(ws, &session, "user: --auto-approve", None)?;
    }
    Ok((held, session))
}

fn with_way_back(e: Error, session: &Session) -> Error {
    if e.hint.is_some() {
        return e;
    }
    let id = &session.id;
    e.hint(format!("nothing is lost; go on with: otto run --resume {id}"))
}
