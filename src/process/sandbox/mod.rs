//! What keeps a child inside its folders: the tiers `worktree` < `landlock` < `bwrap`.
//!
//! A [`Sandbox`] is a value: what may be read and written, which network, how much. Everything that
//! is not listed is not there (`bwrap`) or cannot be opened (`landlock`); at `worktree` the kernel
//! enforces nothing, and the receipt says so. What can be made before the fork is made before it:
//! between fork and exec only system calls are left, for both tiers the same few.
//!
//! Deliberately absent: lowering a tier. A tier that does not work here is an error of whoever asked
//! ([`require`]); nothing runs with less than it was asked to run with.

pub mod bridge;
mod bwrap;
mod confine;
mod gauge;
mod landlock;
mod network;
mod paths;
mod probe;
mod proxy;
pub mod relay;
mod seccomp;
mod start;
mod system;
mod tier;

pub use gauge::Limit;
pub use network::Network;
pub use probe::{Probe, best, probe, probe_all, require};
pub use system::{home_of, package_homes, toolchain_env};
pub use tier::Tier;

pub(super) use confine::Confine;
pub(super) use gauge::Gauge;
pub(super) use proxy::Proxy;
pub(super) use relay::Relay;
pub(super) use start::cannot_start;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::own_command;
use crate::base::{Error, Result};

/// What a child may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    pub tier: Tier,
    pub network: Network,
    /// Files and folders that are read, besides the system and the toolchains.
    pub read: Vec<PathBuf>,
    /// Folders (and files) that are written; they are there when the child starts. What is hidden in
    /// them stays hidden.
    pub write: Vec<PathBuf>,
    /// Folders that were made for it, or that it is about: written, even inside what is hidden.
    pub own: Vec<PathBuf>,
    /// Folders that it is about and only reads: shown even inside what is hidden.
    pub show: Vec<PathBuf>,
    /// Files in writable folders that stay as they are. `landlock` cannot keep these.
    pub guard: Vec<PathBuf>,
    /// What is not even readable, although it lies in a folder that is.
    pub hide: Vec<PathBuf>,
    /// Files that appear at a second place, writable in place: log-in files.
    pub bind: Vec<(PathBuf, PathBuf)>,
    /// Its HOME, writable.
    pub home: PathBuf,
    /// Its TMPDIR, writable; also `/tmp` where a tier can do that.
    pub tmp: PathBuf,
    /// `host:port` that the network `provider` reaches.
    pub hosts: Vec<String>,
    /// Ports that it serves: reached at the same port of this machine's loopback.
    pub expose: Vec<u16>,
    /// Ports of this machine's loopback that it reaches, at the same port of its own.
    pub reach: Vec<u16>,
    pub limits: Limits,
}

/// How much one sandbox may use. Files by the kernel; processes and memory by whoever waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Living processes and threads.
    pub tasks: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Bytes that one process may allocate, and that all of them may hold.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tasks: 2048, file: 4 << 30, memory: gauge::most_of_the_memory() }
    }
}

impl Sandbox {
    /// One that may write nothing but its home and its temporary folder.
    pub fn new(tier: Tier, network: Network, home: &Path, tmp: &Path) -> Self {
        Self {
            tier,
            network,
            read: Vec::new(),
            write: Vec::new(),
            own: Vec::new(),
            show: Vec::new(),
            guard: Vec::new(),
            hide: Vec::new(),
            bind: Vec::new(),
            home: home.to_owned(),
            tmp: tmp.to_owned(),
            hosts: Vec::new(),
            expose: Vec::new(),
            reach: Vec::new(),
            limits: Limits::default(),
        }
    }

    pub fn read(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.read.extend(paths);
        self
    }

    pub fn write(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.write.extend(paths);
        self
    }

    pub fn own(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.own.extend(paths);
        self
    }

    pub fn show(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.show.extend(paths);
        self
    }

    pub fn guard(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.guard.extend(paths);
        self
    }

    pub fn hide(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.hide.extend(paths);
        self
    }

    pub fn bind(mut self, files: impl IntoIterator<Item = (PathBuf, PathBuf)>) -> Self {
        self.bind.extend(files);
        self
    }

    pub fn hosts(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.hosts.extend(hosts);
        self
    }

    pub fn expose(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.expose.extend(ports);
        self
    }

    pub fn reach(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.reach.extend(ports);
        self
    }

    /// Whether its ports are carried: it has a loopback of its own, and somebody has to be reached.
    pub fn is_relayed(&self) -> bool {
        let apart = self.tier == Tier::Bwrap && self.network != Network::On;
        apart && !(self.expose.is_empty() && self.reach.is_empty())
    }

    /// Its own folders, its home and its temporary folder among them.
    fn owned(&self) -> impl Iterator<Item = &Path> {
        [&self.home, &self.tmp].into_iter().chain(&self.own).map(PathBuf::as_path)
    }

    /// Everything that is hidden and there.
    fn hidden(&self) -> Vec<PathBuf> {
        let all = self.hide.iter().cloned().chain(system::secrets());
        paths::topmost(all.flat_map(|p| paths::both(&p)).collect())
    }

    /// Fails (78) where something that is asked for would have to be hidden as well.
    fn require_hidden(&self) -> Result<()> {
        let hidden = self.hidden();
        for path in &self.read {
            let Ok(real) = path.canonicalize() else { continue };
            let is_own = |p: &Path| p.canonicalize().is_ok_and(|own| real.starts_with(own));
            let Some(secret) = hidden.iter().find(|h| real.starts_with(h)) else { continue };
            if !self.owned().any(is_own) {
                return Err(Error::machine(format!(
                    "'{}' cannot be read in a sandbox: '{}' stays hidden",
                    path.display(),
                    secret.display()
                ))
                .hint("keep what is to be read elsewhere, or leave it out of `sandbox.read`"));
            }
        }
        // Landlock's rules only allow, and a file can be made only in a folder that is allowed whole.
        let cannot_cover = self.tier == Tier::Landlock;
        let conflict = |asked: &&Path, is_own: bool| {
            let real = asked.canonicalize().ok()?;
            let inside = |h: &&PathBuf| !is_own && real.starts_with(h);
            let around = |h: &&PathBuf| cannot_cover && h.starts_with(&real) && **h != real;
            hidden.iter().find(|h| inside(h) || around(h)).cloned()
        };
        let asked = self.write.iter().map(|p| (p.as_path(), false));
        for (path, is_own) in asked.chain(self.own.iter().map(|p| (p.as_path(), true))) {
            let Some(secret) = conflict(&path, is_own) else { continue };
            return Err(Error::machine(format!(
                "'{}' cannot be written at the sandbox tier '{}': '{}' stays hidden",
                path.display(),
                self.tier.word(),
                secret.display()
            ))
            .hint("name folders beside what is hidden; the tier 'bwrap' can also hide a place inside of a folder that is written"));
        }
        Ok(())
    }

    /// Whether the kernel enforces anything.
    pub(super) fn is_enforced(&self) -> bool {
        self.tier > Tier::Worktree
    }

    /// The child's environment: its own home and temporary folder, toolchains where they are.
    /// At `worktree` nothing is changed.
    pub(super) fn environment(&self, env: &mut BTreeMap<OsString, OsString>) {
        if !self.is_enforced() {
            return;
        }
        for (name, value) in toolchain_env() {
            env.entry(name).or_insert(value);
        }
        // Their defaults are below the home, which is another one here.
        for name in ["XDG_CACHE_HOME", "GOCACHE"] {
            env.remove(&OsString::from(name));
        }
        let tmp = match self.tier {
            Tier::Bwrap => PathBuf::from("/tmp"),
            Tier::Worktree | Tier::Landlock => self.tmp.clone(),
        };
        if self.network == Network::Provider {
            env.extend(bridge::environment());
        }
        env.insert("HOME".into(), self.home.clone().into());
        env.insert("TMPDIR".into(), tmp.into());
    }

    /// What is put before the program and its arguments; with what runs beside. 78 where the tier is
    /// not here.
    pub(super) fn prefix(&self, cwd: &Path, beside: &Beside) -> Result<Vec<OsString>> {
        match self.tier {
            Tier::Worktree | Tier::Landlock => Ok(Vec::new()),
            Tier::Bwrap if beside.is_nothing() => bwrap::prefix(self, cwd, None, &[]),
            Tier::Bwrap => {
                let helper = own_command("otto-sandbox");
                let helper_at = helper.first().map(Path::new);
                let mut argv = bwrap::prefix(self, cwd, helper_at, &beside.mounts())?;
                argv.extend(helper);
                if beside.proxy.is_some() {
                    argv.extend(bridge::arguments(&self.hosts));
                }
                if beside.relay.is_some() {
                    argv.extend(relay::arguments(&self.expose, &self.reach));
                }
                argv.push("--".into());
                Ok(argv)
            }
        }
    }

    /// What has to run beside the child as long as it does.
    pub(super) fn beside(&self) -> Result<Beside> {
        // Beside what is writable.
        let below = self.tmp.parent().unwrap_or(&self.tmp);
        let proxied = self.network == Network::Provider && self.is_enforced();
        let proxy =
            proxied.then(|| Proxy::start(below, bridge::SOCKET, &self.hosts)).transpose()?;
        let carried = self.is_relayed();
        let relay = carried.then(|| Relay::start(below, &self.expose, &self.reach)).transpose()?;
        Ok(Beside { proxy, relay })
    }

    /// What the child does to itself before it becomes the program.
    pub(super) fn confine(&self) -> Result<Option<Confine>> {
        self.network.require(self.tier)?;
        if !self.is_enforced() {
            return Ok(None);
        }
        self.require_hidden()?;
        Confine::new(self).map(Some)
    }
}

/// What runs beside a child, outside of its sandbox, and ends with it.
#[derive(Debug, Default)]
pub(super) struct Beside {
    proxy: Option<Proxy>,
    relay: Option<Relay>,
}

impl Beside {
    fn is_nothing(&self) -> bool {
        self.proxy.is_none() && self.relay.is_none()
    }

    /// Folders that appear inside.
    fn mounts(&self) -> Vec<bwrap::Mount<'_>> {
        let mut out = Vec::new();
        if let Some(proxy) = &self.proxy {
            out.push(bwrap::Mount { flag: "--ro-bind", from: proxy.folder(), to: bridge::FOLDER });
        }
        if let Some(relay) = &self.relay {
            let (exposed, reached) = relay.folders();
            out.push(bwrap::Mount { flag: "--bind", from: exposed, to: relay::EXPOSED });
            out.push(bwrap::Mount { flag: "--ro-bind", from: reached, to: relay::REACHED });
        }
        out
    }
}

fn machine(what: impl Into<String>, cause: impl std::fmt::Display) -> Error {
    Error::machine(what).because(cause.to_string())
}
