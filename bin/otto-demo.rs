use std::path::{Path, PathBuf};

use otto::agent::budget::Deadline;
use otto::base::text::shell_quote;
use otto::base::{Exit, Result};
use otto::check::cache::Reuse;
use otto::cli::Ui;
use otto::disk;
use otto::process::{Tier, on_path};
use otto::run::demo::set_up;
use otto::run::{Goal, finish, go, hold};
use otto::session::Workspace;
use otto::stage::Silent;
use otto::stage::compile::{Start, create};

/// Run the whole job on a small product, offline, in a few seconds
///
/// Makes a new git repository and runs everything for real, except that the agents' turns come
/// from a recording. One group fails its check first, one writes where it may not, and the audit
/// finds a defect that no builder's test knew. With --tamper, one line of the recording is altered
/// first: its verdict must never be `passed`.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto demo\n  otto demo --dir /tmp/demo\n  otto demo --tamper\n  otto demo --tamper --seed 7\n\nEXIT CODES\n  0 the verdict is passed · 1 it is not"
)]
pub struct Args {
    /// Where to make it: a new folder; without it, a temporary one
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Remove the folder first, if it is a demo's
    #[arg(long, requires = "dir")]
    fresh: bool,
    /// Alter one recorded line at random
    #[arg(long)]
    tamper: bool,
    /// Which line is altered
    #[arg(long, value_name = "N", requires = "tamper")]
    seed: Option<u64>,
    /// The sandbox: worktree, landlock or bwrap; without it the highest that works here
    #[arg(long, value_name = "TIER")]
    tier: Option<Tier>,
    /// No progress
    #[arg(long, short = 'q')]
    quiet: bool,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let dir = match &args.dir {
        Some(dir) => {
            if args.fresh && dir.join("expenses/otto_logs/format").exists() {
                disk::remove_dir_all(dir)?;
            }
            dir.clone()
        }
        None => disk::new_temp_dir("otto-demo-")?,
    };
    let seed = args.tamper.then(|| {
        args.seed.unwrap_or_else(|| otto::base::clock::Clock::from_env().random() % 100_000)
    });
    let demo = set_up(&dir, seed)?;
    otto::errln!("a new repository: {}", demo.project.display());
    if let Some(altered) = &demo.tampered {
        otto::errln!("altered in the recording: {altered}");
    }
    otto::errln!(
        "the intent:\n{}\n",
        demo.intent.lines().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n")
    );
    let ws = Workspace::open(&demo.project, &ui.program)?;
    let tier = args.tier.map(|t| ("sandbox.tier".to_owned(), t.word().into(), "--tier".to_owned()));
    let start = Start {
        intent: demo.intent,
        flags: tier.into_iter().collect(),
        argv: std::env::args().collect(),
        ..Start::default()
    };
    let (session, _) = create(&ws, &start)?;
    let held = hold(&ws, &session)?;
    let progress = ui.progress(args.quiet);
    let goal = Goal { kind: None, jobs: session.config.jobs, reuse: Reuse::default() };
    let deadline = Deadline::of_step(session.config.run_budget_seconds);
    let word =
        progress.during(&session, 0, || go(&ws, &held, &session, &goal, deadline, &Silent))?;
    otto::out!("{}", finish(&ws, &session)?);
    otto::outln!(
        "
look around
  cd {}",
        shell_quote(&demo.project.to_string_lossy())
    );
    if on_path("otto").is_none()
        && let Some(dir) = std::env::current_exe().ok().as_deref().and_then(Path::parent)
    {
        otto::outln!("  export PATH={}:$PATH", shell_quote(&dir.to_string_lossy()));
    }
    Ok(word.exit())
}
