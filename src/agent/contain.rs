//! The place of one turn: a sandbox around the provider and its agent, and the one folder through
//! which they and we exchange files. The turn's own folder in `otto_logs` is neither read nor written
//! from inside; what is worth keeping is taken out of the exchange when the turn has ended.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::describe::Needs;
use super::{login, protocol};
use crate::base::{Error, Result, Secrets};
use crate::disk;
use crate::git::Worktree;
use crate::process::{Network, Sandbox, Tier};
use crate::session::Session;
use crate::session::config::{Containment, Role, Who};
use crate::session::packages::{Packages, make_homes};

/// More of a file that an agent left is not kept.
const LARGEST: u64 = 64 << 20;

/// Where a turn takes place and how it is contained.
#[derive(Debug)]
pub struct Inside<'a> {
    worktree: &'a Worktree,
    how: Containment,
    packages: Packages,
    access: Access,
}

/// What a turn may do in its worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Work,
    /// It judges what is there, and sees nothing of the repository.
    Look,
}

impl<'a> Inside<'a> {
    pub fn new(session: &Session, role: Role, worktree: &'a Worktree) -> Result<Self> {
        session.require_sandbox()?;
        let how = session.containment(Who::Role(role))?;
        Ok(Self { worktree, how, packages: Packages::default(), access: Access::Work })
    }

    /// Who looks and changes nothing, where the tier can keep that.
    pub fn to_look(self) -> Self {
        Self { access: Access::Look, ..self }
    }

    /// With what preparation fetched.
    pub fn prepared(self, packages: Packages) -> Self {
        Self { packages, ..self }
    }

    pub fn workdir(&self) -> &'a Path {
        &self.worktree.path
    }

    /// What the provider is told.
    pub(super) fn told(&self) -> protocol::Sandbox {
        protocol::Sandbox {
            tier: self.how.tier.word().to_owned(),
            network: Some(self.how.network.word().to_owned()),
        }
    }

    /// An empty exchange, beside the worktree.
    pub(super) fn open(&self) -> Result<Exchange> {
        let scratch = self.worktree.scratch()?;
        let dir = scratch.join("turn");
        disk::place_dir(&dir)?;
        Ok(Exchange { scratch, dir })
    }

    /// Around the provider that `argv` starts. The agent's own folder holds the person's log-in
    /// files from here on.
    pub(super) fn sandbox(
        &self,
        exchange: &Exchange,
        state_dir: Option<&Path>,
        needs: &Needs,
        argv: &[OsString],
    ) -> Result<Sandbox> {
        if self.how.network == Network::Provider && needs.hosts.is_empty() {
            return Err(Error::machine(
                "the network 'provider' cannot be had: the provider names no hosts that it needs",
            )
            .hint("`otto-provider-NAME --describe` prints them as needs.hosts; or choose another: -c sandbox.network.ROLE=on"));
        }
        let program = argv.first().map(PathBuf::from).filter(|p| p.is_absolute());
        let place = match self.access {
            Access::Work => self.how.in_worktree(self.worktree, &exchange.scratch)?,
            Access::Look => self.how.to_look(self.worktree, &exchange.scratch)?,
        };
        let mut sandbox = place
            .read(needs.read.iter().cloned())
            .read(program)
            .read(self.packages.paths())
            .own([exchange.dir.clone()])
            .own(state_dir.map(Path::to_owned))
            .hosts(needs.hosts.iter().cloned());
        if let Some(dir) = state_dir {
            for login in &needs.login {
                sandbox = sandbox.bind(login::place(login, dir, self.how.tier)?);
            }
        }
        Ok(sandbox)
    }

    /// Package homes of its own for an agent that has the network: others are read-only, so it could
    /// not add a package. They stay from turn to turn. Without the network, what was prepared.
    pub(super) fn package_env(
        &self,
        state_dir: Option<&Path>,
    ) -> Result<BTreeMap<OsString, OsString>> {
        match state_dir
            .filter(|_| self.how.network == Network::On && self.how.tier > Tier::Worktree)
        {
            Some(dir) => make_homes(dir, "packages"),
            None => Ok(self.packages.env()),
        }
    }

    /// What is the person's goes back to them, when the turn has ended.
    pub(super) fn close(&self, state_dir: Option<&Path>, needs: &Needs) -> Result<()> {
        let Some(dir) = state_dir else { return Ok(()) };
        needs.login.iter().try_for_each(|login| login::give_back(login, dir))
    }
}

/// Files that both sides see.
#[derive(Debug)]
pub(super) struct Exchange {
    scratch: PathBuf,
    dir: PathBuf,
}

impl Exchange {
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.file(name);
        disk::place_file(&path, bytes, false)?;
        Ok(path)
    }

    /// Copies what the other side left, without secrets. What is no plain file is none: a link would
    /// be followed with our rights.
    pub fn take(&self, name: &str, to: &Path, secrets: &Secrets) -> Result<()> {
        match disk::read_plain(&self.file(name), LARGEST)? {
            Some(bytes) => disk::replace_derived(to, &secrets.hide_bytes(&bytes)),
            None => disk::remove_file(to),
        }
    }
}
