use otto::base::{Exit, Result};
use otto::cli::{StageArgs, Ui, UpstreamRule, run_stage};
use otto::session::event::AuditMode;
use otto::stage::audit::{Scope, audit};
use otto::stage::render::judge;
use otto::stage::{Context, Item, Report};

/// Judge the integrated product from a clean worktree, with nothing cached
///
/// Runs every check again at the integration commit, the checks across groups, the scenarios that
/// are kept outside the tree, and the certifier if there is one. The verdict is a pure function of
/// the spec and what was observed.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto audit\n  otto merge | otto audit | otto render\n\nEXIT CODES\n  0 passed · 1 anything else · 77 the integration branch was moved by hand"
)]
pub struct Args {
    #[command(flatten)]
    stage: StageArgs,
    /// How deep: fast asks nobody, standard asks the certifier, thorough an adversary besides
    ///
    /// Without it, `audit_mode` of the session's configuration.
    #[arg(long, value_name = "MODE", value_parser = AuditMode::WORDS)]
    mode: Option<String>,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    run_stage(ui, &args.stage, UpstreamRule::AfterYesOrNo, |stage| {
        let ctx = Context::open_to_work(stage.ws, stage.session, stage.out)?;
        // clap accepts the words of the modes only.
        let asked = args.mode.and_then(|word| serde_json::from_value(word.into()).ok());
        audit(&ctx, &Scope::Full(asked.unwrap_or(ctx.config().audit_mode)))?;
        let state = ctx.state()?;
        let verdict = judge(stage.ws, stage.session, &ctx.spec)?;
        stage.out.item(&Item::Verdict {
            verdict: verdict.word.to_string(),
            tip: state.tip(),
            reasons: verdict.reasons.iter().map(ToString::to_string).collect(),
        });
        Ok(verdict.word.exit())
    })
}
