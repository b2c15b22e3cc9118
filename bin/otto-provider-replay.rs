use otto::base::{Exit, Result};
use otto::cli::{ProviderArgs, Ui};
use otto::provider::replay;

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
    #[command(flatten)]
    provider: ProviderArgs,
}

pub fn run(args: Args, _ui: &Ui) -> Result<Exit> {
    args.provider.serve(replay::describe, replay::run)
}
