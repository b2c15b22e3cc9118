use otto::base::{Exit, Result};
use otto::cli::Ui;

/// Make any program an agent (called by Otto, one turn at a time)
///
/// Reads one request line from standard input and writes event lines. The program is
/// `providers.command.argv` of otto.yaml; it gets the prompt on standard input, in its worktree.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto run \"…\" --provider command -c 'providers.command.argv=[\"./agent.sh\"]'"
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
        return otto::provider::command::describe(std::io::stdin().lock(), std::io::stdout());
    }
    otto::provider::command::run(std::io::stdin().lock(), std::io::stdout())
}
