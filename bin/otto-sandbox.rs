use std::ffi::OsString;
use std::path::PathBuf;

use otto::base::{Error, Exit, Result};
use otto::cli::{Ui, sandbox};
use otto::process::sandbox::probe_all;
use otto::process::{Network, Tier};

/// Run a command in the sandbox that an agent would have in the current folder
///
/// The folder is writable, its `.git` is not; HOME and TMPDIR are private and gone afterwards; the
/// system and the toolchains are read-only, and nothing else is there. Standard streams and the exit
/// code are passed through. docs/threat-model.md says what each tier stops and what it does not.
#[derive(Debug, clap::Parser)]
#[command(
    version,
    after_long_help = "EXAMPLES\n  otto sandbox --probe\n  otto sandbox -- sh -c 'ls ~'\n  otto sandbox --tier bwrap --network off -- make test\n\nEXIT CODES\n  the command's own · 69 it cannot be started · 78 the tier or the network cannot be had here"
)]
pub struct Args {
    /// worktree, landlock or bwrap; without it the highest that works here
    #[arg(long, value_name = "TIER")]
    tier: Option<Tier>,
    /// off, loopback, provider or on
    #[arg(long, value_name = "NETWORK", default_value = "on")]
    network: Network,
    /// A further file or folder that can be read
    #[arg(long, value_name = "PATH")]
    read: Vec<PathBuf>,
    /// A further file or folder that can be written
    #[arg(long, value_name = "PATH")]
    write: Vec<PathBuf>,
    /// What the network `provider` reaches, as HOST:PORT
    #[arg(long, value_name = "HOST:PORT")]
    host: Vec<String>,
    /// Say which tiers work on this machine, and why not
    #[arg(long)]
    probe: bool,
    /// Be the inner end of the network `provider` (called by Otto)
    #[arg(long, value_name = "SOCKET", hide = true)]
    inside: Option<PathBuf>,
    /// A port that those outside reach (called by Otto)
    #[arg(long, value_name = "PORT", hide = true)]
    expose: Vec<u16>,
    /// A port outside that is reached (called by Otto)
    #[arg(long, value_name = "PORT", hide = true)]
    reach: Vec<u16>,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    command: Vec<OsString>,
}

pub fn run(args: Args, _ui: &Ui) -> Result<Exit> {
    if args.probe {
        otto::out!("{}", sandbox::report(&probe_all()));
        return Ok(Exit::YES);
    }
    if args.command.is_empty() {
        return Err(Error::usage("there is no command to run")
            .hint("otto sandbox -- COMMAND …   or: otto sandbox --probe"));
    }
    if args.inside.is_some() || !args.expose.is_empty() || !args.reach.is_empty() {
        let proxy = args.inside.as_deref().map(|socket| (socket, args.host.as_slice()));
        let inner = sandbox::Inner { proxy, expose: &args.expose, reach: &args.reach };
        return sandbox::inside(inner, &args.command);
    }
    let wanted = sandbox::Wanted {
        tier: args.tier,
        network: Some(args.network),
        read: args.read,
        write: args.write,
        hosts: args.host,
    };
    sandbox::run(&wanted, &args.command)
}
