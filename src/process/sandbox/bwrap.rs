//! The tier `bwrap`: what stands before the program. The order is the order of the mounts: what is
//! wide first, what is hidden in it, what is writable, what stays as it is.

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

/// `bwrap … --`; `helper` is a program that stands between.
pub(super) fn prefix(
    sandbox: &Sandbox,
    cwd: &Path,
    helper: Option<&Path>,
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
    argv.words(&["--symlink", "/tmp", "/var/tmp"]);
    for entry in system::system() {
        match entry {
            Entry::Folder(path) => argv.same("--ro-bind", &path),
            Entry::Link { at, to } => argv.pair("--symlink", &to, &at),
        }
    }
    argv.pair("--bind", &sandbox.tmp, Path::new("/tmp"));
    let asked = sandbox.read.iter().map(PathBuf::as_path).chain(helper).flat_map(both);
    let reads = topmost(
        asked.chain(system::toolchains().iter().cloned()).chain(system::behind_links()).collect(),
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
    let hidden: Vec<PathBuf> =
        sandbox.hide.iter().cloned().chain(system::secrets()).flat_map(|p| both(&p)).collect();
    for path in topmost(hidden) {
        let shown = reads.iter().any(|r| path.starts_with(r)) || of_system(&path);
        match (shown, path.is_dir()) {
            (false, _) => {}
            (true, true) => argv.path("--tmpfs", &path),
            (true, false) => argv.pair("--ro-bind", Path::new("/dev/null"), &path),
        }
    }
    let mut writes = vec![sandbox.home.clone(), sandbox.tmp.clone()];
    writes.extend(sandbox.write.iter().flat_map(|p| both(p)));
    writes.sort();
    writes.dedup();
    for path in &writes {
        argv.same("--bind", path);
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
