use std::path::PathBuf;

use otto::agent::budget::Deadline;
use otto::base::{Error, Exit, Result};
use otto::cli::{ConfigArgs, Ui, intent_from};
use otto::disk::Held;
use otto::disk::lock::Run;
use otto::run::{Goal, Progress, Resume, finish, go, hold, reopen, resumable};
use otto::session::{Session, Workspace};
use otto::stage::compile::{Needs, Start, accept_file, approve, create, read_spec_file};
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
    /// What you want; `-` reads it from standard input; without it intent.md is read
    #[arg(value_name = "INTENT")]
    intent: Option<String>,
    /// Read the intent from a file
    #[arg(long, value_name = "FILE")]
    intent_file: Option<PathBuf>,
    /// Take the spec from a file instead of an agent
    #[arg(long, value_name = "FILE")]
    from_spec: Option<PathBuf>,
    /// Go on with a session that was stopped; without a name, with the one that is open
    #[arg(long, value_name = "SESSION", num_args = 0..=1, default_missing_value = "")]
    resume: Option<String>,
    /// Approve a spec that waits for review
    #[arg(long, requires = "resume")]
    auto_approve: bool,
    /// What kind of product it is; detected when absent
    #[arg(long, value_name = "KIND", value_parser = ["webapp", "cli", "library", "api", "service"])]
    project_kind: Option<String>,
    /// Afterwards, write every agent turn into a new folder that --provider replay can play
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// No progress
    #[arg(long, short = 'q')]
    quiet: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let cwd = std::env::current_dir()
        .map_err(|e| Error::machine("the current folder is gone").because(e))?;
    let ws = Workspace::open(&cwd, &ui.program)?;
    let (held, session) = match &args.resume {
        Some(wanted) => resume(&ws, &args, wanted)?,
        None => start(&ws, &args).and_then(|session| Ok((hold(&ws, &session)?, session)))?,
    };
    eprintln!("session {}", session.id);
    let kind =
        args.project_kind.as_ref().and_then(|k| serde_json::from_value(k.clone().into()).ok());
    let goal =
        Goal { kind, jobs: args.config.jobs.map_or(session.config.jobs, |j| j as usize).max(1) };
    let budget = args.config.budget_seconds.unwrap_or(session.config.run_budget_seconds);
    let deadline = Deadline::of_step(&ws.clock, budget);
    let progress = match (args.quiet, ui.stderr_is_terminal) {
        (true, _) => Progress::Quiet,
        (false, true) => Progress::Terminal,
        (false, false) => Progress::Plain,
    };
    let result = progress.during(&session, || go(&ws, &held, &session, &goal, deadline, &Silent));
    let word = result.map_err(|e| with_way_back(e, &session))?;
    if let Some(dir) = &args.record {
        let turns = record::export(&ws, &session, dir)?;
        eprintln!("recorded {turns} turns in {}", dir.display());
    }
    print!("{}", finish(&ws, &session)?);
    Ok(word.exit())
}

fn start(ws: &Workspace, args: &Args) -> Result<Session> {
    let asked = intent_from(args.intent.as_deref(), args.intent_file.as_ref(), ws.root())?;
    let given = match &args.from_spec {
        Some(path) => Some(read_spec_file(path, asked.as_deref())?),
        None => None,
    };
    let intent =
        asked.or_else(|| given.as_ref().map(|p| p.spec.intent.clone())).ok_or_else(|| {
            Error::usage("there is no intent")
                .hint("say what you want: otto run \"add saved searches\"   (or write intent.md)")
        })?;
    let start = Start { intent, flags: args.config.flags()?, argv: std::env::args().collect() };
    let needs = if given.is_some() { Needs::Nothing } else { Needs::Agent };
    let (session, notes) = create(ws, &start, needs)?;
    for note in &notes {
        eprintln!("{note}");
    }
    if let Some(parsed) = given {
        accept_file(ws, &session, parsed, &Silent)?;
    }
    Ok(session)
}

fn resume(ws: &Workspace, args: &Args, wanted: &str) -> Result<(Held<Run>, Session)> {
    if args.intent.is_some() || args.intent_file.is_some() || args.from_spec.is_some() {
        return Err(Error::usage("a resumed session has its intent and its spec already")
            .hint("leave --resume out to start a new one"));
    }
    let which = if wanted.is_empty() { Resume::Newest } else { Resume::Named(wanted.to_owned()) };
    let session = resumable(ws, &which)?;
    let held = hold(ws, &session)?;
    let session = reopen(ws, &held, session, &args.config.flags()?)?;
    if args.auto_approve {
        approve(ws, &session, "user: --auto-approve")?;
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
