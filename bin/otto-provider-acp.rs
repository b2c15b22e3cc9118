use otto::base::{Exit, Result};
use otto::cli::{ProviderArgs, Ui};
use otto::provider::acp;

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
    #[command(flatten)]
    provider: ProviderArgs,
}

pub fn run(args: Args, _ui: &Ui) -> Result<Exit> {
    args.provider.serve(acp::describe, acp::run)
}
