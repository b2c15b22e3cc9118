use otto::base::{Exit, Result};
use otto::cli::{ProviderArgs, Ui};
use otto::provider::command;

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
    #[command(flatten)]
    provider: ProviderArgs,
}

pub fn run(args: Args, _ui: &Ui) -> Result<Exit> {
    args.provider.serve(command::describe, command::run)
}
