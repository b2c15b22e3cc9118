use otto::base::{Exit, Result};
use otto::cli::Ui;

/// Let any agent that speaks the Agent Client Protocol do a turn (called by Otto)
///
/// Reads one request line from standard input, starts `providers.acp.argv` of otto.yaml in its
/// worktree, speaks the protocol with it, and writes what it does as event lines.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto run \"…\" --provider acp -c 'providers.acp.argv=[\"gemini\", \"--acp\"]'\n  echo '{\"argv\": [\"opencode\", \"acp\"]}' | otto provider-acp --describe"
)]
pub struct Args {
    /// Say what is installed and what it needs, and do nothing.
    ///
    /// Reads the settings as one line of JSON; without one they are empty.
    #[arg(long)]
    describe: bool,
}

pub fn run(args: Args, _ui: &Ui) -> Result<Exit> {
    let input = std::io::BufReader::new(std::io::stdin());
    if args.describe {
        return otto::provider::acp::describe(input, std::io::stdout());
    }
    otto::provider::acp::run(input, std::io::stdout())
}
