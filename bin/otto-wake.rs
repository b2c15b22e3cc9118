use otto::base::{Error, Exit, Result};
use otto::cli::{SessionArgs, Ui};
use otto::run::summary::Hands;
use otto::run::{cancel, wake};
use otto::session::Session;

/// Do not wait any longer for a limit to reset, or cancel the wake-up
///
/// When a provider asks to wait, the session records until when; `otto status` shows it. A run that
/// is waiting goes on at once when it is woken; with --cancel it ends (77), or is not woken if it has
/// ended (75), and goes on only when you resume it.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto wake\n  otto wake --cancel\n\nEXIT CODES\n  0 done · 1 nothing waits"
)]
pub struct Args {
    #[command(flatten)]
    session: SessionArgs,
    /// Do not go on at the recorded time; wait for a person
    #[arg(long)]
    cancel: bool,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let session = Session::open(&ws, &args.session.session)?;
    let nothing = || Error::no(format!("nothing waits in session {}", session.id));
    if args.cancel {
        if !cancel(&ws, &session, "otto wake --cancel")? {
            return Err(nothing());
        }
        otto::out!("cancelled; go on with: otto run --resume {}", session.id);
        return Ok(Exit::YES);
    }
    let waited = wake(&ws, &session, "otto wake")?;
    if waited.is_empty() {
        return Err(nothing());
    }
    let waited = waited.join(", ");
    match Hands::look(&ws, &session, None)?.on_session() {
        true => otto::out!("{waited} will be asked again now"),
        false => {
            otto::out!("{waited} may be asked again; go on with: otto run --resume {}", session.id)
        }
    }
    Ok(Exit::YES)
}
