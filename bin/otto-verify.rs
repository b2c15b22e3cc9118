use otto::base::{Error, Exit, Result};
use otto::cli::{SessionArgs, Ui};
use otto::session::Session;
use otto::stage::verify::verify;

/// Check that everything written down about a session still holds together
///
/// The journal's hash chain, the session record, the approved spec and its amendments, every
/// landing against what was tested, the integration branch, the anchor in git, every piece of
/// evidence, and where the work of every attempt is. Reads only.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto verify\n  otto verify 20261120-1011\n\nEXIT CODES\n  0 it holds · 65 something was altered; it is named"
)]
pub struct Args {
    #[command(flatten)]
    session: SessionArgs,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let session = Session::open(&ws, &args.session.session)?;
    let verified = verify(&ws, &session)?;
    if args.json {
        otto::outln!(
            "{}",
            serde_json::json!({"v": 1, "session": session.id, "holds": verified.holds, "patches": verified.patches, "problems": verified.problems})
        );
    } else {
        otto::outln!("session {}", session.id);
        for line in &verified.holds {
            otto::outln!("  ok   {line}");
        }
        for line in &verified.problems {
            otto::outln!("  BAD  {line}");
        }
    }
    if verified.problems.is_empty() {
        return Ok(Exit::YES);
    }
    Err(Error::input(format!(
        "{} of session {}",
        otto::base::text::count(verified.problems.len(), "problem"),
        session.id
    ))
    .hint("what is named above was altered or lost; nothing was changed now"))
}
