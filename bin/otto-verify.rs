use std::path::PathBuf;

use otto::base::{Error, Exit, Result};
use otto::cli::{Ui, verify as told};
use otto::session::Session;
use otto::stage::handover::{Packet, check};
use otto::stage::verify::verify;

/// Check that everything written down about a session still holds together
///
/// The journal's hash chain, the session record, the approved spec and its amendments, every
/// landing against what was tested, the integration branch, the anchor in git, every piece of
/// evidence, and where the work of every attempt is. With --rerun the checks run again, in clean
/// worktrees at the product's commit, and must come to what is recorded; what cannot be run again is
/// listed. With --packet a commit of any clone is checked against a file of `otto proof export`:
/// nothing of Otto's has to be there.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto verify\n  otto verify 20261120-1011 --rerun\n  otto verify main\n  otto verify main --packet otto-proof-20261120-101112-ab2c.tar --allowed-signers signers\n\nEXIT CODES\n  0 it holds · 1 a check came to something else · 65 something was altered; it is named"
)]
pub struct Args {
    /// A session (an id, a unique prefix, or `latest`), or a commit that was landed
    #[arg(value_name = "SESSION|COMMIT", default_value = "latest", env = "OTTO_SESSION")]
    subject: String,
    /// Check the commit against this file, and against nothing else
    #[arg(long, value_name = "FILE")]
    packet: Option<PathBuf>,
    /// Whose signature counts: a file as `ssh-keygen -Y verify` reads it
    #[arg(long, value_name = "FILE", requires = "packet")]
    allowed_signers: Option<PathBuf>,
    /// Run the checks again and compare
    #[arg(long, conflicts_with = "packet")]
    rerun: bool,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    if let Some(file) = &args.packet {
        let commit = ws.repo.resolve_commit(&args.subject)?;
        let looked =
            check(&ws.repo, commit, &Packet::read(file)?, args.allowed_signers.as_deref())?;
        return told::packet(&looked, args.json);
    }
    let session = match Session::open(&ws, &args.subject) {
        Ok(session) => session,
        Err(e) => {
            let Ok(commit) = ws.repo.resolve_commit(&args.subject) else { return Err(e) };
            let info = ws.repo.commit(commit)?;
            let sid = info.trailer("Otto-Session").ok_or_else(|| {
                Error::usage(format!("'{}' was landed by no session", args.subject)).hint(
                    "otto sessions lists them; a commit that Otto landed has an Otto-Session line",
                )
            })?;
            Session::open(&ws, sid)?
        }
    };
    let verified = verify(&ws, &session)?;
    told::session(&session.id, &verified, args.json)?;
    if args.rerun { told::rerun(&ws, &session, args.json) } else { Ok(Exit::YES) }
}
