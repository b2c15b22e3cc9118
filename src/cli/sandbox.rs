//! `otto sandbox`: the sandbox of a builder around the current folder, for any command.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::{Error, Exit, Result};
use crate::git::Project;
use crate::process::sandbox::{self, Probe};
use crate::process::{Capture, Command, Ended, Network, Sandbox, Tier, base_env};

/// What is passed on to the command has this effect, or the command is ended.
const LEAVE: Duration = Duration::from_secs(5);

/// What a person asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The highest that works here, without one.
    pub tier: Option<Tier>,
    pub network: Option<Network>,
    pub read: Vec<PathBuf>,
    pub write: Vec<PathBuf>,
    pub hosts: Vec<String>,
}

/// Runs it and returns how it ended: its own exit code, or 128 and the signal.
pub fn run(wanted: &Wanted, argv: &[OsString]) -> Result<Exit> {
    let fail = |e: std::io::Error| Error::machine("the current folder is gone").because(e);
    let cwd = std::env::current_dir().and_then(|dir| dir.canonicalize()).map_err(fail)?;
    let tier = wanted.tier.unwrap_or_else(sandbox::best);
    sandbox::require(tier)?;
    let scratch = tempfile::Builder::new().prefix("otto-sandbox-").tempdir();
    let scratch = scratch.map_err(|e| Error::machine("cannot make a folder").because(e))?;
    let (home, tmp) = (scratch.path().join("home"), scratch.path().join("tmp"));
    for dir in [&home, &tmp] {
        crate::disk::place_dir(dir)?;
    }
    let network = wanted.network.unwrap_or(Network::On);
    let mut env = base_env();
    if network == Network::On && tier > Tier::Worktree {
        env.extend(crate::session::packages::make_homes(&home, "packages")?);
    }
    let sandbox = Sandbox::new(tier, network, &home, &tmp)
        .read(wanted.read.iter().map(|p| cwd.join(p)))
        .read(of_git(&cwd))
        .own([cwd.clone()])
        .write(wanted.write.iter().map(|p| cwd.join(p)))
        .guard([cwd.join(".git")])
        .hide(crate::session::own_cache().ok())
        .hosts(wanted.hosts.iter().cloned());
    let command = Command::new(argv.to_vec(), &cwd, env);
    let finished =
        command.sandbox(sandbox).stdin_inherit().output_limit(u64::MAX).run(Capture::Inherit)?;
    exit_of(finished.ended, &argv[0])
}

fn exit_of(ended: Ended, program: &std::ffi::OsStr) -> Result<Exit> {
    let shown = program.to_string_lossy();
    match ended {
        Ended::Exited(code) => Ok(Exit(u8::try_from(code).unwrap_or(Exit::BUG.0))),
        Ended::Signaled(signal) => Ok(Exit(u8::try_from(128 + signal).unwrap_or(Exit::BUG.0))),
        Ended::OverLimit(limit) => {
            Err(Error::no(format!("'{shown}' was stopped: {}", limit.word())))
        }
        Ended::NotFound => Err(Error::missing(format!("there is no program '{shown}'"))),
        Ended::NotExecutable => Err(Error::missing(format!("'{shown}' cannot be executed here"))
            .hint("a program outside of the system and the toolchains is shown with --read")),
        Ended::Stopped => Err(Error::interrupted(crate::process::stop::requested().unwrap_or(15))),
        Ended::TimedOut | Ended::TooMuchOutput => Err(Error::bug("a limit that was not set")),
    }
}

/// What the inner end of a sandbox serves.
#[derive(Debug, Clone, Copy)]
pub struct Inner<'a> {
    /// Of the network `provider`: the proxy's socket, and hosts that are served as ports.
    pub proxy: Option<(&'a Path, &'a [String])>,
    pub expose: &'a [u16],
    pub reach: &'a [u16],
}

/// The inner end of a sandbox: serves the ports that lead outside or are reached from there, and
/// runs the command in front of them.
pub fn inside(inner: Inner<'_>, argv: &[OsString]) -> Result<Exit> {
    if let Some((socket, hosts)) = inner.proxy {
        sandbox::bridge::serve(socket, hosts)?;
    }
    sandbox::relay::serve(inner.expose, inner.reach)?;
    let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let env = std::env::vars_os().collect();
    let command = Command::new(argv.to_vec(), &cwd, env).stdin_inherit().drain(LEAVE);
    exit_of(command.output_limit(u64::MAX).run(Capture::Inherit)?.ended, &argv[0])
}

/// What git reads, where the folder is in a repository.
fn of_git(cwd: &Path) -> Vec<PathBuf> {
    match Project::discover(cwd) {
        Ok(project) => project.readable(),
        Err(_) => Vec::new(),
    }
}

/// One line for each tier: whether it works here, and why not.
pub fn report(probes: &[&Probe]) -> String {
    let line = |probe: &&Probe| {
        let tier = probe.tier.word();
        let lacks = probe.lacks.iter().map(|l| format!("; {l}")).collect::<String>();
        match &probe.wrong {
            None => format!("{tier:<9} works{lacks}\n"),
            Some(why) => format!("{tier:<9} does not work: {why}\n"),
        }
    };
    probes.iter().map(line).collect()
}
