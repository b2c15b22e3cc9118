use otto::base::{Exit, Result};
use otto::cli::{StageArgs, Ui, UpstreamRule, run_stage};
use otto::stage::pilot::{Piloted, pilot};
use otto::stage::{Context, Report};

/// Ask a model how to go on where something failed, and print what it decided
///
/// One call, after groups have failed or an audit has found product failures, as long as something
/// can still be tried. It reads what is on disk and says for each group that failed whether it is
/// tried again, in another way, or not; what builders are told; and in which order. What does not
/// fit is dropped and said so. It can approve nothing, land nothing and change nothing that passes.
/// Its notes are files in context/ of the session, for you to change or delete. Nobody is asked
/// where nothing failed, or twice about the same thing.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto build-group --all; otto pilot && otto build-group --all\n  otto audit; otto pilot; otto repair\n\nEXIT CODES\n  0 it decided, or there is nothing to decide · 1 it gave no answer: go on without"
)]
pub struct Args {
    #[command(flatten)]
    stage: StageArgs,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    run_stage(ui, &args.stage, UpstreamRule::AfterYesOrNo, |stage| {
        let ctx = Context::open_to_work(stage.ws, stage.session, stage.out)?;
        Ok(match pilot(&ctx)? {
            Piloted::Off => {
                stage.out.say("no pilot: it is switched off, or no agent has the role");
                Exit::YES
            }
            Piloted::Nothing => {
                stage.out.say("there is nothing to decide: nobody was asked");
                Exit::YES
            }
            Piloted::Decided => Exit::YES,
            Piloted::None { .. } => Exit::NO,
        })
    })
}
