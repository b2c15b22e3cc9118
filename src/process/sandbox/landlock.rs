//! The tier `landlock`: the ruleset, made in the parent. Only what it allows can be opened; it is
//! an allow-list, so what is hidden in a readable folder is left out by allowing what lies around.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, Scope,
};

use super::paths::{around, both, topmost};
use super::system::{self, Entry};
use super::{Network, Sandbox, machine};
use crate::base::{Error, Result};

/// What this program asks for, as far as the kernel knows it.
const WANTED: ABI = ABI::V7;
/// Before this one files outside can be truncated.
pub(super) const OLDEST: i32 = 3;
/// From here on signals and abstract sockets stay inside.
pub(super) const SCOPES: i32 = 6;

/// Devices that programs expect to write.
const DEVICES: [&str; 7] =
    ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx"];

/// The version of the interface that the kernel has; 0 without it.
pub(super) fn abi() -> i32 {
    // LANDLOCK_CREATE_RULESET_VERSION of landlock_create_ruleset(2).
    // SAFETY: with this flag the call takes no memory and makes nothing.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, 1_u32)
    };
    i32::try_from(version).unwrap_or(0).max(0)
}

fn of(e: impl std::fmt::Display) -> Error {
    machine("cannot make a Landlock ruleset", e)
}

/// What may be done to a file or a folder that is written. No devices are made.
fn written(path: &Path) -> BitFlags<AccessFs> {
    match path.is_dir() {
        true => {
            AccessFs::from_all(WANTED)
                & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev)
        }
        false => AccessFs::from_file(WANTED) & !BitFlags::from(AccessFs::IoctlDev),
    }
}

fn read(path: &Path) -> BitFlags<AccessFs> {
    match path.is_dir() {
        true => AccessFs::from_read(WANTED),
        false => AccessFs::ReadFile | AccessFs::Execute,
    }
}

fn allow(set: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated> {
    // What is not there needs no rule.
    let Ok(file) = PathFd::new(path) else { return Ok(set) };
    set.add_rule(PathBeneath::new(file, access)).map_err(of)
}

/// A place that is read, with what may be done there.
type Read = (PathBuf, BitFlags<AccessFs>);

/// The system and the toolchains without what is always hidden. Looked for once: it takes longer
/// than all the rest of a start.
fn everywhere() -> &'static [Read] {
    static FOUND: OnceLock<Vec<Read>> = OnceLock::new();
    FOUND.get_or_init(|| without(&always(), &system::secrets()))
}

/// What every sandbox reads.
fn always() -> Vec<PathBuf> {
    let system = system::system().into_iter().map(|entry| match entry {
        Entry::Folder(path) | Entry::Link { at: path, .. } => path,
    });
    let toolchains = system::toolchains().iter().cloned();
    system.chain(toolchains).chain(system::behind_links()).collect()
}

/// These places, without what is hidden in them.
fn without(roots: &[PathBuf], hidden: &[PathBuf]) -> Vec<Read> {
    let real = roots.iter().filter_map(|p| p.canonicalize().ok()).collect();
    let hidden: Vec<PathBuf> = hidden.iter().flat_map(|p| both(p)).collect();
    let mut out = Vec::new();
    for root in topmost(real) {
        around(&root, &hidden, &mut out);
    }
    let with_access = |path: PathBuf| {
        let access = read(&path);
        (path, access)
    };
    out.into_iter().map(with_access).collect()
}

/// What the sandbox reads.
fn readable(sandbox: &Sandbox) -> Vec<Read> {
    let hidden = sandbox.hidden();
    let own = |h: &&PathBuf| everywhere().iter().any(|(root, _)| h.starts_with(root));
    let mut out = match hidden.iter().find(own) {
        None => [everywhere(), &without(&sandbox.read, &hidden)].concat(),
        Some(_) => without(&[always(), sandbox.read.clone()].concat(), &hidden),
    };
    out.push(("/proc".into(), AccessFs::from_read(WANTED)));
    out
}

/// The ruleset, ready for landlock_restrict_self(2).
pub(super) fn ruleset(sandbox: &Sandbox) -> Result<OwnedFd> {
    let mut set = Ruleset::default().handle_access(AccessFs::from_all(WANTED)).map_err(of)?;
    match sandbox.network {
        Network::On => {}
        Network::Off | Network::Loopback | Network::Provider => {
            set = set.handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp).map_err(of)?;
        }
    }
    let mut set = scoped(set)?.create().map_err(of)?;
    if sandbox.network != Network::On {
        for port in &sandbox.expose {
            set = set.add_rule(NetPort::new(*port, AccessNet::BindTcp)).map_err(of)?;
        }
        // A rule names a port and no host.
        for port in &sandbox.reach {
            set = set.add_rule(NetPort::new(*port, AccessNet::ConnectTcp)).map_err(of)?;
        }
    }
    for (path, access) in readable(sandbox) {
        set = allow(set, &path, access)?;
    }
    for device in DEVICES {
        let access =
            AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
        set = allow(set, Path::new(device), access)?;
    }
    for path in &sandbox.show {
        set = allow(set, path, read(path))?;
    }
    let bound = sandbox.bind.iter().map(|(from, _)| from);
    let written_to = sandbox.write.iter().chain(bound).map(PathBuf::as_path);
    for path in sandbox.owned().chain(written_to) {
        set = allow(set, path, written(path))?;
    }
    file_of(set)
}

/// Signals and abstract sockets stay inside; files are somebody else's to enforce. `None` where the
/// kernel cannot.
pub(super) fn scopes_only() -> Result<Option<OwnedFd>> {
    if abi() < SCOPES {
        return Ok(None);
    }
    file_of(scoped(Ruleset::default())?.create().map_err(of)?).map(Some)
}

fn scoped(set: Ruleset) -> Result<Ruleset> {
    set.scope(Scope::from_all(WANTED)).map_err(of)
}

fn file_of(set: RulesetCreated) -> Result<OwnedFd> {
    Option::<OwnedFd>::from(set).ok_or_else(|| Error::machine("this kernel has no Landlock"))
}
