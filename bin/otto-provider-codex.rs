use otto::base::{Exit, Result};
use otto::cli::{ProviderArgs, Ui};
use otto::provider::codex;

/// Let Codex do a turn (called by Otto, one turn at a time)
///
/// Reads one request line from standard input, starts `codex` in its worktree with the prompt, and
/// writes what it does as event lines. `providers.codex` of otto.yaml has its settings.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto run \"…\" --provider codex\n  echo '{}' | otto provider-codex --describe"
)]
pub struct Args {
    #[command(flatten)]
    provider: ProviderArgs,
}

pub fn run(args: Args, _ui: &Ui) -> Result<Exit> {
    args.provider.serve(codex::describe, codex::run)
}
