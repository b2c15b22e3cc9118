//! What the file system below must be able to do.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;

use crate::base::fault::{self, Effect};
use crate::base::{Error, Result};

/// Magic numbers from statfs(2) of file systems on which flock and O_APPEND may hold for one
/// host only.
const REMOTE: [(i64, &str); 8] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0bd0_0bd0, "Lustre"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x4750_4653, "GPFS"),
];

/// Refuses (78) a folder on a remote file system.
pub fn refuse_remote(dir: &Path) -> Result<()> {
    let stat = nix::sys::statfs::statfs(dir)
        .map_err(|e| Error::file("inspect the file system of", dir, e.into()))?;
    let magic = stat.filesystem_type().0 as i64 & 0xffff_ffff;
    match REMOTE.iter().find(|(m, _)| *m == magic) {
        None => Ok(()),
        Some((_, name)) => Err(Error::machine(format!(
            "'{}' is on {name}, where locks and appends may hold for one host only",
            dir.display()
        ))
        .hint("set `state_dir:` in otto.yaml to a folder on a local disk; machines share by refs")),
    }
}

/// Flushes the file system that holds `path`: git and gix sync neither objects nor refs by
/// default, and one call covers every object of a landing.
pub fn syncfs(path: &Path) -> Result<()> {
    let fail = |e| Error::file("sync", path, e);
    fault::before(Effect::SyncAll, path).map_err(fail)?;
    let file = File::open(path).map_err(|e| Error::file("open", path, e))?;
    // SAFETY: the descriptor is open for the length of the call, and syncfs(2) takes nothing else.
    let rc = unsafe { libc::syncfs(file.as_raw_fd()) };
    if rc != 0 {
        return Err(fail(std::io::Error::last_os_error()));
    }
    fault::durable(Effect::SyncAll, path);
    Ok(())
}
