use otto::base::{Exit, Result};
use otto::cli::{ProviderArgs, Ui};
use otto::provider::claude;

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
    #[command(flatten)]
    provider: ProviderArgs,
}

pub fn run(args: Args, _ui: &Ui) -> Result<Exit> {
    args.provider.serve(claude::describe, claude::run)
}
