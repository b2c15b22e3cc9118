//! The tier `bwrap`: what stands before the program. The order is the order of the mounts: what is
//! read, what is written by configuration, what is hidden in these and the sandbox's own folders,
//! outer ones first, and what stays as it is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::paths::{both, topmost};
use super::system::{self, Entry};
use super::{Network, Sandbox};
use crate::base::{Error, Result};
use crate::process::on_path;

/// What of `/proc` sets things for the whole machine. A root without capabilities still owns these
/// files, and bwrap itself covers only what it finds writable when it looks.
const SETTINGS: [&str; 9] =
    ["sys", "sysrq-trigger", "irq", "bus", "fs", "mtrr", "scsi", "acpi", "driver"];

/// The program; 78 without it.
fn program() -> Result<PathBuf> {
    on_path("bwrap").ok_or_else(|| {
        Error::machine("the sandbox tier 'bwrap' needs bubblewrap, which is not on PATH").hint(
            "install the package bubblewrap, or choose another tier: -c sandbox.tier=landlock",
        )
    })
}

struct Argv(Vec<OsString>);

impl Argv {
    fn words(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(OsString::from));
    }

    fn path(&mut self, flag: &str, path: &Path) {
        self.0.extend([flag.into(), path.into()]);
    }

    fn pair(&mut self, flag: &str, from: &Path, to: &Path) {
        self.0.extend([flag.into(), from.into(), to.into()]);
    }

    fn same(&mut self, flag: &str, path: &Path) {
        self.pair(flag, path, path);
    }
}

/// A folder outside that appears at another place inside.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mount<'a> {
    pub flag: &'static str,
    pub from: &'a Path,
    pub to: &'static str,
}

/// `bwrap … --`; `helper` is a program that stands between, and `mounts` the folders where it finds
/// its sockets.
pub(super) fn prefix(
    sandbox: &Sandbox,
    cwd: &Path,
    helper: Option<&Path>,
    mounts: &[Mount<'_>],
) -> Result<Vec<OsString>> {
    let mut argv = Argv(vec![program()?.into()]);
    argv.words(&[
        "--unshare-user",
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--die-with-parent",
        "--cap-drop",
        "ALL",
    ]);
    match sandbox.network {
        Network::On => {}
        // bwrap brings the loopback of a new network namespace up.
        Network::Off | Network::Loopback | Network::Provider => argv.words(&["--unshare-net"]),
    }
    argv.words(&["--proc", "/proc", "--dev", "/dev", "--dir", "/run", "--dir", "/var"]);
    for name in SETTINGS {
        argv.same("--ro-bind-try", &Path::new("/proc").join(name));
    }
    // What is in memory is bounded, and nothing but this is: see the gauge for what has no path.
    argv.words(&["--size", &(sandbox.limits.memory / 4).max(1 << 20).to_string()]);
    argv.words(&["--tmpfs", "/dev/shm", "--remount-ro", "/dev"]);
    argv.words(&["--symlink", "/tmp", "/var/tmp"]);
    for entry in system::system() {
        match entry {
            Entry::Folder(path) => argv.same("--ro-bind", &path),
            Entry::Link { at, to } => argv.pair("--symlink", &to, &at),
        }
    }
    argv.pair("--bind", &sandbox.tmp, Path::new("/tmp"));
    for mount in mounts {
        argv.pair(mount.flag, mount.from, Path::new(mount.to));
    }
    let asked = sandbox.read.iter().map(PathBuf::as_path).chain(helper).flat_map(both);
    let hidden = sandbox.hidden();
    let is_hidden = |p: &PathBuf| hidden.iter().any(|h| p.starts_with(h));
    let reads = topmost(
        asked
            .filter(|p| !is_hidden(p))
            .chain(system::toolchains().iter().cloned())
            .chain(system::behind_links())
            .collect(),
    );
    let of_system = |p: &PathBuf| {
        system::system().iter().any(|entry| match entry {
            Entry::Folder(at) | Entry::Link { at, .. } => p.starts_with(at),
        })
    };
    for path in reads.iter().filter(|p| !of_system(p)) {
        // A link stays one: programs look for their files beside the place that it leads to. Not in
        // the folder that stays from one start to the next, where it would be there already.
        match path.canonicalize() {
            Ok(real) if path.is_symlink() && !path.starts_with("/tmp") => {
                argv.pair("--symlink", &real, path);
            }
            Ok(_) | Err(_) => argv.same("--ro-bind", path),
        }
    }
    let mut writes: Vec<PathBuf> = sandbox.write.iter().flat_map(|p| both(p)).collect();
    writes.sort();
    writes.dedup();
    for path in &writes {
        argv.same("--bind", path);
    }
    let own: Vec<PathBuf> = sandbox.owned().flat_map(both).collect();
    let show: Vec<PathBuf> = sandbox.show.iter().flat_map(|p| both(p)).collect();
    let shown = |p: &PathBuf| {
        reads.iter().chain(&writes).chain(&own).chain(&show).any(|above| p.starts_with(above))
            || of_system(p)
    };
    let covers: Vec<PathBuf> = hidden.into_iter().filter(shown).collect();
    let mut layers: Vec<&PathBuf> = covers.iter().chain(&own).chain(&show).collect();
    layers.sort();
    layers.dedup();
    for path in layers {
        if own.contains(path) {
            argv.same("--bind", path);
        } else if show.contains(path) {
            argv.same("--ro-bind", path);
        } else if path.is_dir() {
            argv.path("--tmpfs", path);
        } else {
            argv.pair("--ro-bind", Path::new("/dev/null"), path);
        }
    }
    let is_shown = |p: &PathBuf| own.contains(p) || show.contains(p);
    for path in covers.iter().filter(|p| p.is_dir() && !is_shown(p)) {
        argv.path("--remount-ro", path);
    }
    for path in sandbox.guard.iter().filter(|p| p.exists()) {
        argv.same("--ro-bind", path);
    }
    for (from, to) in sandbox.bind.iter().filter(|(from, _)| from.exists()) {
        argv.pair("--bind", from, to);
    }
    argv.words(&["--remount-ro", "/"]);
    argv.path("--chdir", cwd);
    argv.words(&["--"]);
    Ok(argv.0)
}
