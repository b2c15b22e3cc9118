use std::path::PathBuf;

use otto::base::{Error, Exit, Result};
use otto::cli::{ConfigArgs, Stream, Ui, intent_from};
use otto::session::Workspace;
use otto::spec::ProjectKind;
use otto::stage::Report;
use otto::stage::compile::{Needs, Start, accept_file, compile, create, read_spec_file};

/// Turn an intent into a spec: features, groups, ownership, checks
///
/// Starts a session. The spec comes from an agent, which is handed exactly its mistakes and asked
/// again up to three times, or from a file. It is approved at once, unless --review-gate (or
/// `review_gate: true`) asks for a person.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto compile \"add saved searches to this dashboard\"\n  otto compile --intent-file intent.md --review-gate\n  otto compile \"add saved searches\" --from-spec spec.json\n  otto compile \"…\" | otto build-group --all | otto merge | otto audit | otto render\n\nEXIT CODES\n  0 approved · 65 the spec is bad, nothing was written · 69 no agent · 77 waits for your review"
)]
pub struct Args {
    /// What you want; `-` reads it from standard input; without it intent.md is read
    #[arg(value_name = "INTENT")]
    intent: Option<String>,
    /// Read the intent from a file
    #[arg(long, value_name = "FILE")]
    intent_file: Option<PathBuf>,
    /// Take the spec from a file instead of an agent
    #[arg(long, value_name = "FILE")]
    from_spec: Option<PathBuf>,
    /// What kind of product it is; detected when absent
    #[arg(long, value_name = "KIND", value_parser = ["webapp", "cli", "library", "api", "service"])]
    project_kind: Option<String>,
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
    let cwd = std::env::current_dir()
        .map_err(|e| Error::machine("the current folder is gone").because(e))?;
    let ws = Workspace::open(&cwd, &ui.program)?;
    let asked = intent_from(args.intent.as_deref(), args.intent_file.as_ref(), ws.root())?;
    // A bad file is refused before anything is written.
    let given = match &args.from_spec {
        Some(path) => Some(read_spec_file(path, asked.as_deref())?),
        None => None,
    };
    let intent = match (asked, &given) {
        (Some(intent), _) => intent,
        (None, Some(parsed)) => parsed.spec.intent.clone(),
        (None, None) => {
            return Err(Error::usage("there is no intent").hint(
                "say what you want: otto compile \"add saved searches\"   (or write intent.md)",
            ));
        }
    };
    let kind: Option<ProjectKind> = args
        .project_kind
        .map(|k| {
            serde_json::from_value(k.into()).map_err(|e| Error::usage("--project-kind").because(e))
        })
        .transpose()?;
    let start = Start { intent, flags: args.config.flags()?, argv: std::env::args().collect() };
    let (session, notes) =
        create(&ws, &start, if given.is_some() { Needs::Nothing } else { Needs::Agent })?;
    let out = Stream::new(ui, args.json, args.quiet);
    for note in &notes {
        out.say(note);
    }
    out.handle(&session.id);
    out.say(&format!("session {}", session.id));
    let result = match given {
        Some(parsed) => accept_file(&ws, &session, parsed, &out),
        None => compile(&ws, &session, kind, &out),
    };
    let exit = result.as_ref().map_or_else(Error::exit, |()| Exit::YES);
    out.end("compile", exit, result.as_ref().err());
    result.map(|()| exit)
}
