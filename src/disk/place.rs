//! Files of a disposable worktree, and copies that can be made again: atomic where a reader could
//! see them half written, and never synced. What a power cut takes of them is made again.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::dirs::{remove_dir_all, remove_file};
use crate::base::fault::{self, Effect};
use crate::base::{Error, Result};

/// Makes a file that must not exist, as git would check it out.
pub fn place_file(path: &Path, bytes: &[u8], executable: bool) -> Result<()> {
    let fail = |e| Error::file("write", path, e);
    let mode = if executable { 0o777 } else { 0o666 };
    fault::before(Effect::Create, path).map_err(fail)?;
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(fail)?;
    fault::before(Effect::Write, path).map_err(fail)?;
    file.write_all(bytes).map_err(fail)
}

/// Makes a symlink that must not exist.
pub fn place_symlink(path: &Path, target: &Path) -> Result<()> {
    fault::before(Effect::Create, path)
        .and_then(|()| std::os::unix::fs::symlink(target, path))
        .map_err(|e| Error::file("link", path, e))
}

/// Makes a folder and those above it. Nothing is synced.
pub fn place_dir(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fault::before(Effect::Create, path)
        .and_then(|()| std::fs::create_dir_all(path))
        .map_err(|e| Error::file("create the folder", path, e))
}

/// Makes the folder `below` in `dir` and returns its path. What is no folder on the way, such as a
/// link that somebody left there, is removed first.
pub fn place_real_dir(dir: &Path, below: &Path) -> Result<PathBuf> {
    let mut at = dir.to_owned();
    for part in below.components() {
        at.push(part);
        if at.symlink_metadata().is_ok_and(|m| !m.is_dir()) {
            remove_any(&at)?;
        }
        place_dir(&at)?;
    }
    Ok(at)
}

/// Removes whatever has that name; a folder with all that is in it.
pub fn remove_any(path: &Path) -> Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => remove_dir_all(path),
        Ok(_) => remove_file(path),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::file("inspect", path, e)),
    }
}

/// Replaces a file whose content is derived: a reader sees the old or the new bytes, and after a
/// power cut there may be neither. The folder must exist.
pub fn replace_derived(path: &Path, bytes: &[u8]) -> Result<()> {
    let fail = |e| Error::file("write", path, e);
    fault::before(Effect::Create, path).map_err(fail)?;
    let mut temp = super::atomic::temp_in(super::atomic::parent(path)).map_err(fail)?;
    fault::before(Effect::Write, path).map_err(fail)?;
    temp.write_all(bytes).map_err(fail)?;
    fault::before(Effect::Rename, path).map_err(fail)?;
    temp.persist(path).map_err(|e| fail(e.error))?;
    Ok(())
}

/// Writes where a person said. A file is replaced whole, also the one that a link leads to; a pipe,
/// a device or whatever else is no file is written to, and stays what it is.
pub fn hand_out(path: &Path, bytes: &[u8]) -> Result<()> {
    let fail = |e| Error::file("write", path, e);
    let is_link = path.is_symlink();
    match path.metadata() {
        // A stream by its name in a folder of the system is to be written to, whatever it is.
        Ok(meta) if meta.is_file() && !path.starts_with("/dev") && !path.starts_with("/proc") => {
            super::replace(&path.canonicalize().map_err(fail)?, bytes)
        }
        Err(_) if !is_link => super::replace(path, bytes),
        Ok(_) | Err(_) => {
            fault::before(Effect::Write, path).map_err(fail)?;
            // A pipe that nobody reads from would be waited for for ever: that is refused instead.
            let mut how = OpenOptions::new();
            how.write(true).create(is_link).truncate(true).custom_flags(libc::O_NONBLOCK);
            let mut file = how.open(path).map_err(|e| match e.raw_os_error() {
                Some(libc::ENXIO) => fail(e).hint("start its reader first: cat PIPE &"),
                _ => fail(e),
            })?;
            fcntl(&file, FcntlArg::F_SETFL(OFlag::empty())).map_err(|e| fail(e.into()))?;
            file.write_all(bytes).map_err(fail)
        }
    }
}

/// What somebody else left under a name: at most `most` bytes of a plain file. A link, a pipe, a
/// device or a folder is nothing.
pub fn read_plain(path: &Path, most: u64) -> Result<Option<Vec<u8>>> {
    use std::io::Read;
    let fail = |e| Error::file("read", path, e);
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(e) => {
            return match e.raw_os_error() {
                Some(libc::ENOENT | libc::ELOOP | libc::ENXIO | libc::EACCES) => Ok(None),
                _ => Err(fail(e)),
            };
        }
    };
    if !file.metadata().map_err(fail)?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).map_err(fail)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_stays_what_it_is() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        hand_out(&at("new/report"), b"one").expect("written");
        hand_out(&at("new/report"), b"two").expect("written");
        for (link, target) in [("link", "new/report"), ("dangling", "later")] {
            std::os::unix::fs::symlink(target, at(link)).expect("a link");
            hand_out(&at(link), b"three").expect("written");
            assert!(at(link).is_symlink());
            assert_eq!(std::fs::read(at(target)).expect("there"), b"three");
        }
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        assert!(hand_out(&at("pipe"), b"four").is_err(), "nobody reads");
        let mut how = OpenOptions::new();
        let mut reader =
            how.read(true).custom_flags(libc::O_NONBLOCK).open(at("pipe")).expect("opened");
        hand_out(&at("pipe"), b"four").expect("written");
        let mut got = String::new();
        std::io::Read::read_to_string(&mut reader, &mut got).expect("read");
        assert_eq!(got, "four");
        assert!(hand_out(dir.path(), b"five").is_err());
    }
}
