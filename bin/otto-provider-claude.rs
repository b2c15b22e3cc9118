use otto::base::{Exit, Result};
use otto::cli::Ui;

/// Let Claude Code do a turn (called by Otto, one turn at a time)
///
/// Reads one request line from standard input, starts `claude` in its worktree with the prompt, and
/// writes what it does as event lines. `providers.claude` of otto.yaml has its settings.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto run \"…\" --provider claude\n  echo '{}' | otto provider-claude --describe"
)]
pub struct Args {
    /// Say what is installed, whether it is logged in and what it needs, and do nothing.
    ///
    /// Reads the settings as one line of JSON; without one they are empty.
    #[arg(long)]
    describe: bool,
}

pub fn run(args: Args, _ui: &Ui) -> Result<Exit> {
    let input = std::io::BufReader::new(std::io::stdin());
    if args.describe {
        return otto::provider::claude::describe(input, std::io::stdout());
    }
    otto::provider::claude::run(input, std::io::stdout())
}
