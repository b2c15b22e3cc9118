use std::path::PathBuf;

use otto::base::{Exit, Result};
use otto::cli::Ui;
use otto::cli::verify::{Again, How, Wants, packet, session};
use otto::stage::handover::{Allowed, Packet, check, subject_of};
use otto::stage::verify::{session_of, verify};

/// Check that a product is what its proof says, and run its checks again
///
/// The journal's hash chain, the session record, the approved spec and every version of it, every
/// landing against what was tested and recorded, the integration branch, the anchor and the notes in
/// git, every piece of evidence and every record, and where the work of every attempt is. Then the
/// checks run again, in clean worktrees at the product's commit and without any cache, and must come
/// to what is recorded; what cannot be run again is listed, with the reason. With --packet a commit
/// of any clone is checked against a file of `otto proof export`: nothing of Otto's has to be there,
/// and nothing is written there.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto verify\n  otto verify 20261120-1011 --no-rerun\n  otto verify main\n  otto verify main --packet otto-proof-20261120-101112-ab2c.tar --allowed-signers signers --passed\n\nEXIT CODES\n  0 it holds, whatever the verdict · 1 a check came to something else, or with --passed the product did not pass · 65 something was altered; it is named · 69 a signature, and no ssh-keygen to check it"
)]
pub struct Args {
    /// A session (an id, a unique prefix, or `latest`), or a commit that was landed or holds one
    ///
    /// Without it, the latest session; with --packet, the product that the packet names.
    #[arg(value_name = "SESSION|COMMIT", env = "OTTO_SESSION")]
    subject: Option<String>,
    /// Check the commit against this file, and against nothing else
    #[arg(long, value_name = "FILE")]
    packet: Option<PathBuf>,
    /// Whose signature counts, as `ssh-keygen -Y verify` reads it; else gpg.ssh.allowedSignersFile of git
    #[arg(long, value_name = "FILE", requires = "packet")]
    allowed_signers: Option<PathBuf>,
    /// Only read what is written down
    #[arg(long, conflicts_with = "rerun")]
    no_rerun: bool,
    /// With --packet too: run its checks, which runs what others wrote
    #[arg(long)]
    rerun: bool,
    /// Say yes only to a product that passed: 1 otherwise
    #[arg(long)]
    passed: bool,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let again = match args.packet {
        Some(_) if !args.rerun => Again::Read,
        None if args.no_rerun => Again::Read,
        Some(_) | None => Again::Run,
    };
    let wants = if args.passed { Wants::Passed } else { Wants::Truth };
    let how = How { again, wants, json: args.json };
    let Some(file) = &args.packet else {
        let found = session_of(&ws, args.subject.as_deref().unwrap_or("latest"))?;
        return session(&ws, &found, &verify(&ws, &found)?, how);
    };
    let read = Packet::read(file)?;
    let allowed = Allowed::of(&ws.repo, args.allowed_signers.as_deref())?;
    let commit = subject_of(&ws.repo, &read, args.subject.as_deref())?;
    packet(&ws, &check(&ws.repo, commit, &read, &allowed)?, &read, how)
}
