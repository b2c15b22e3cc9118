use otto::base::{Exit, Result};
use otto::cli::Ui;

/// Play a recording of agent turns (called by Otto, one turn at a time)
///
/// Reads one request line from standard input and writes event lines. `providers.replay.dir` names
/// the recording: ROLE/GROUP/NN with changes.patch, answer.json, narrative.txt, usage.json.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto run --record DIR \"…\"\n  otto run \"…\" --provider replay -c providers.replay.dir=DIR"
)]
pub struct Args {
    /// Say what is there and what it needs, and do nothing.
    ///
    /// Reads the settings as one line of JSON; without one they are empty.
    #[arg(long)]
    describe: bool,
}

pub fn run(args: Args, _ui: &Ui) -> Result<Exit> {
    if args.describe {
        return otto::provider::replay::describe(std::io::stdin().lock(), std::io::stdout());
    }
    otto::provider::replay::run(std::io::stdin().lock(), std::io::stdout())
}
