use otto::base::{Exit, Result};
use otto::cli::{StageArgs, Ui, UpstreamRule, run_stage};
use otto::stage::repair::{Repaired, repair};
use otto::stage::{Context, Report};

/// Repair what audits found, with the group that owns the failing path
///
/// Product failures only: each with a reproduction that Otto has run. Says where each is sent, and
/// why. What is repaired lands through the merge queue and is audited again. Nothing is tried twice
/// the same way, and what goes in circles ends. `agents: {fix: {provider: none}}` switches it off:
/// then the product is judged as it is.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto audit; otto repair && otto audit\n\nEXIT CODES\n  0 everything found was repaired, or nothing was found · 1 something was not, or repair goes in circles"
)]
pub struct Args {
    #[command(flatten)]
    stage: StageArgs,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    run_stage(ui, &args.stage, UpstreamRule::AfterYesOrNo, |stage| {
        let ctx = Context::open_to_work(stage.ws, stage.session, stage.out)?;
        match repair(&ctx)? {
            Repaired::Nothing => {
                stage.out.say("there is nothing to repair");
                Ok(Exit::YES)
            }
            Repaired::Off => {
                stage.out.say("nothing was repaired: no agent has the role 'fix'");
                Ok(Exit::NO)
            }
            Repaired::Stopped(stop) => {
                stage.out.say(&format!("not repaired any further: {}", stop.text()));
                Ok(Exit::NO)
            }
            Repaired::Tried { landed, of } => {
                stage.out.say(&format!("{landed} of {of} repaired"));
                Ok(if landed == of { Exit::YES } else { Exit::NO })
            }
        }
    })
}
