use otto::agent::budget::Deadline;
use otto::base::{Error, Exit, Result};
use otto::cli::{ConfigArgs, IntentArgs, Stream, Ui};
use otto::stage::Report;
use otto::stage::compile::{Start, compile, create};

/// Turn an intent into a spec: features, groups, ownership, checks
///
/// Starts a session. The spec comes from an agent, which is handed exactly its mistakes and asked
/// again up to three times, or from a file. It is approved at once, unless --review-gate (or
/// `review_gate: true`) asks for a person.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto compile \"add saved searches to this dashboard\"\n  otto compile --intent-file intent.md --review-gate\n  otto compile \"add saved searches\" --from-spec spec.json\n  otto compile \"…\" | otto build-group --all | otto merge | otto audit | otto render\n\nEXIT CODES\n  0 approved · 65 the spec is bad, nothing was written · 69 no agent\n  75 rate limit: later · 77 it waits for your review, for more time or for more money\n  130, 143 stopped by a signal; otto run --resume goes on"
)]
pub struct Args {
    #[command(flatten)]
    wanted: IntentArgs,
    /// Write JSON lines even to a terminal
    #[arg(long)]
    json: bool,
    /// No progress on standard error
    #[arg(long, short = 'q')]
    quiet: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let wanted = args.wanted.read(ws.root())?;
    let start = Start {
        intent: wanted.intent,
        given: wanted.given,
        flags: args.config.flags()?,
        argv: std::env::args().collect(),
    };
    let (session, notes) = create(&ws, &start)?;
    let out = Stream::new(ui, args.json, args.quiet);
    for note in &notes {
        out.say(note);
    }
    out.handle(&session.id);
    out.say(&format!("session {}", session.id));
    let deadline = Deadline::of_step(session.config.run_budget_seconds);
    let result = compile(&ws, &session, args.wanted.kind(), deadline, &out);
    let exit = result.as_ref().map_or_else(Error::exit, |()| Exit::YES);
    out.end("compile", exit, result.as_ref().err());
    result.map(|()| exit)
}
