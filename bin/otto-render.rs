use otto::base::{Exit, Result};
use otto::cli::{StageArgs, Ui, UpstreamRule, run_stage};
use otto::stage::render::render;
use otto::stage::{Item, Report};

/// Write the proof: proof-packet.json and one self-contained HTML page
///
/// Everything in it is derived from the journal, the refs and the evidence: delete it and render
/// again, and it comes back equal. The page needs no network and no script.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto render\n  otto render 20261120-1011 --open\n  otto audit | otto render\n\nEXIT CODES\n  0 the verdict is passed · 1 it is not; the proof says why"
)]
pub struct Args {
    /// The session: an id, a unique prefix of one, or `latest`
    #[arg(value_name = "SESSION", conflicts_with = "session")]
    named: Option<String>,
    /// Show the page in the browser
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    stage: StageArgs,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let mut stage_args = args.stage.clone();
    stage_args.session = stage_args.session.or(args.named);
    run_stage(ui, &stage_args, UpstreamRule::AfterYesOrNo, |stage| {
        let rendered = render(stage.ws, stage.session)?;
        stage.out.item(&Item::Proof {
            json: rendered.json.display().to_string(),
            html: rendered.html.display().to_string(),
            verdict: rendered.verdict.to_string(),
        });
        if args.open {
            otto::process::open_in_browser(&rendered.html)?;
        }
        Ok(rendered.verdict.exit())
    })
}
