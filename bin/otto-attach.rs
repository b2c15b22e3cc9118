use std::ffi::OsString;

use otto::base::{Exit, Result};
use otto::cli::{SessionArgs, Ui};
use otto::process::in_terminal;
use otto::session::Session;
use otto::watch::attach::{Ignored, copy};

/// Open a shell in a copy of what a group's agent works on
///
/// The copy is read-only, made anew each time, and removed when the shell ends. It is of the
/// worktree of the running attempt with everything that is not committed yet; when none runs, of
/// the newest commit of the group. Nothing that is done there reaches the agent. Files that git
/// ignores are left out. It is no git repository.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto attach --group login\n  otto attach --group login -- grep -rn TODO .\n  diff -r \"$(otto attach --group login --print)\" .\n\nEXIT CODES\n  of the command; 0 after a shell; 1 when the group has no work yet"
)]
pub struct Args {
    #[command(flatten)]
    session: SessionArgs,
    /// The group whose work it is
    #[arg(long, value_name = "GROUP")]
    group: String,
    /// Copy ignored files too: what was installed and built
    #[arg(long)]
    ignored: bool,
    /// Keep the copy and print its path, instead of a shell
    #[arg(long, conflicts_with = "command")]
    print: bool,
    /// Run this in the copy, instead of a shell
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub fn run(args: Args, ui: &Ui) -> Result<Exit> {
    let ws = ui.workspace()?;
    let session = Session::open(&ws, &args.session.session)?;
    let ignored = if args.ignored { Ignored::Too } else { Ignored::LeftOut };
    let copied = copy(&ws, &session, &args.group, ignored)?;
    otto::errln!("{}", copied.told(&args.group));
    if args.print {
        otto::outln!("{}", copied.keep()?.display());
        return Ok(Exit::YES);
    }
    let is_shell = args.command.is_empty();
    let argv = if is_shell { shell() } else { args.command };
    if is_shell && ui.stderr_is_terminal {
        otto::errln!("it is removed when this shell ends (exit)");
    }
    let ended = in_terminal(&argv, &copied.dir);
    copied.remove()?;
    let code = ended?;
    // What a person typed last is no outcome of ours.
    Ok(if is_shell { Exit::YES } else { Exit(u8::try_from(code).unwrap_or(u8::MAX)) })
}

/// The person's own.
fn shell() -> Vec<OsString> {
    let named = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
    vec![named.unwrap_or_else(|| "sh".into())]
}
