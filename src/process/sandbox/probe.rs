//! Whether a tier works here: something is really run in it, once for each process of Otto.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::OnceLock;

use super::{Network, Sandbox, Tier, landlock};
use crate::base::{Error, Result};
use crate::process::{Capture, Command, Ended};

/// Only a scope of Landlock keeps these: they are in no folder.
const ABSTRACT: &str = "abstract Unix sockets of this machine (D-Bus, X11) are not kept away with the network 'on': that needs Linux 6.12";

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    pub tier: Tier,
    /// Why it does not work.
    pub wrong: Option<String>,
    /// What it cannot do here although it works.
    pub lacks: Vec<String>,
}

impl Probe {
    pub fn works(&self) -> bool {
        self.wrong.is_none()
    }
}

/// Looks once.
pub fn probe(tier: Tier) -> &'static Probe {
    static FOUND: [OnceLock<Probe>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];
    FOUND[tier as usize].get_or_init(|| look(tier))
}

pub fn probe_all() -> Vec<&'static Probe> {
    Tier::ALL.into_iter().map(probe).collect()
}

/// The highest that works here.
pub fn best() -> Tier {
    Tier::ALL.into_iter().rev().find(|t| probe(*t).works()).unwrap_or(Tier::Worktree)
}

/// Fails (78) unless the tier works here.
pub fn require(tier: Tier) -> Result<()> {
    let Some(wrong) = &probe(tier).wrong else { return Ok(()) };
    Err(Error::machine(format!("the sandbox tier '{}' does not work here: {wrong}", tier.word()))
        .hint("otto sandbox --probe says what does; a session keeps its tier, a new one may have another: -c sandbox.tier=…"))
}

fn look(tier: Tier) -> Probe {
    let mut lacks = Vec::new();
    let wrong = match tier {
        Tier::Worktree => None,
        Tier::Landlock => match landlock::abi() {
            abi if abi < landlock::OLDEST => {
                Some(format!("the kernel has Landlock {abi}, and {} is needed", landlock::OLDEST))
            }
            abi => {
                if abi < landlock::SCOPES {
                    lacks.push("signals to processes outside are not stopped".to_owned());
                    lacks.push(ABSTRACT.to_owned());
                }
                try_it(tier)
            }
        },
        Tier::Bwrap => {
            if landlock::abi() < landlock::SCOPES {
                lacks.push(ABSTRACT.to_owned());
            }
            try_it(tier)
        }
    };
    Probe { tier, wrong, lacks }
}

/// Runs a shell in it that must not be able to read what this process can.
fn try_it(tier: Tier) -> Option<String> {
    match tried(tier) {
        Ok(wrong) => wrong,
        Err(e) => Some(e.to_string()),
    }
}

fn tried(tier: Tier) -> Result<Option<String>> {
    let fail = |e: std::io::Error| Error::machine("cannot make a temporary folder").because(e);
    let outside = tempfile::Builder::new().prefix("otto-probe-").tempdir().map_err(fail)?;
    let inside = tempfile::Builder::new().prefix("otto-probe-").tempdir().map_err(fail)?;
    let mut secret = tempfile::NamedTempFile::new_in(outside.path()).map_err(fail)?;
    secret.write_all(b"secret").map_err(fail)?;
    let sandbox = Sandbox::new(tier, Network::Off, inside.path(), inside.path())
        .write([inside.path().to_owned()]);
    let script = "read x <\"$1\" 2>/dev/null && exit 3; : >\"$2/made\" || exit 4; exit 5";
    let argv: [&std::ffi::OsStr; 6] = [
        "/bin/sh".as_ref(),
        "-c".as_ref(),
        script.as_ref(),
        "probe".as_ref(),
        secret.path().as_os_str(),
        inside.path().as_os_str(),
    ];
    let log = inside.path().join("log");
    let finished = Command::new(argv, inside.path(), BTreeMap::new())
        .sandbox(sandbox)
        .run(Capture::Merged(log.clone()))?;
    let said = std::fs::read(&log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    Ok(match finished.ended {
        Ended::Exited(5) if inside.path().join("made").exists() => None,
        Ended::Exited(3) => Some("what lies outside can be read".into()),
        Ended::Exited(4) => Some("its own folder cannot be written".into()),
        ended => Some(format!("a shell in it ended with {ended:?} {said}")),
    })
}
