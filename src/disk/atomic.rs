//! Files that are replaced whole: written beside, synced, renamed, folder synced. A reader sees
//! the old or the new content and never a part.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::dirs::create_dir_all;
use crate::base::fault::{self, Effect};
use crate::base::{Error, Result, Sha256};

/// Replaces `path` with `bytes`, durably. Folders above it are created.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let dir = parent(path);
    create_dir_all(dir)?;
    let fail = |e| Error::file("write", path, e);
    let temp = written(dir, bytes).map_err(fail)?;
    fault::before(Effect::Rename, path).map_err(fail)?;
    temp.persist(path).map_err(|e| fail(e.error))?;
    sync_dir(dir)
}

/// [`replace`] of a file that is there, in its mode; nobody else reads it in between.
pub fn replace_in_its_mode(path: &Path, bytes: &[u8]) -> Result<()> {
    let fail = |e| Error::file("write", path, e);
    let dir = parent(path);
    let mode = path.metadata().map_err(fail)?.permissions();
    fault::before(Effect::Create, path).map_err(fail)?;
    // A temporary file is its owner's alone.
    let mut temp = tempfile::NamedTempFile::new_in(dir).map_err(fail)?;
    fault::before(Effect::Write, path).map_err(fail)?;
    temp.write_all(bytes).map_err(fail)?;
    temp.as_file().set_permissions(mode).map_err(fail)?;
    fault::before(Effect::Sync, path).map_err(fail)?;
    temp.as_file().sync_data().map_err(fail)?;
    fault::before(Effect::Rename, path).map_err(fail)?;
    temp.persist(path).map_err(|e| fail(e.error))?;
    sync_dir(dir)
}

/// [`replace`] with pretty JSON and a line end.
pub fn replace_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|e| Error::bug(format!("'{}' cannot be JSON", path.display())).because(e))?;
    bytes.push(b'\n');
    replace(path, &bytes)
}

/// Creates `path` with `bytes`; false if it is there already.
pub fn create_new(path: &Path, bytes: &[u8]) -> Result<bool> {
    let dir = parent(path);
    create_dir_all(dir)?;
    let fail = |e| Error::file("write", path, e);
    let temp = written(dir, bytes).map_err(fail)?;
    fault::before(Effect::Rename, path).map_err(fail)?;
    match temp.persist_noclobber(path) {
        Ok(_) => sync_dir(dir).map(|()| true),
        Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(fail(e.error)),
    }
}

/// Keeps `bytes` under their own hash in `dir`. Storing the same bytes twice is one file. One that
/// is there under this name and holds something else was damaged: it is kept aside.
pub fn store_by_hash(dir: &Path, bytes: &[u8]) -> Result<(Sha256, PathBuf)> {
    let hash = Sha256::of(bytes);
    let path = dir.join(hash.to_string());
    while !create_new(&path, bytes)? {
        match super::read_if_there(&path)? {
            Some(found) if found == bytes => break,
            Some(found) => keep_aside(&path, &Sha256::of(&found))?,
            None => {}
        }
    }
    Ok((hash, path))
}

/// Renames a damaged file to `<name>.damaged-<hash of what it holds>`.
fn keep_aside(path: &Path, holds: &Sha256) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".damaged-{}", holds.short()));
    super::rename(path, Path::new(&name))
}

/// A synced file without a lasting name.
fn written(dir: &Path, bytes: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    fault::before(Effect::Create, dir)?;
    let mut temp = temp_in(dir)?;
    fault::before(Effect::Write, dir)?;
    temp.write_all(bytes)?;
    fault::before(Effect::Sync, dir)?;
    temp.as_file().sync_data()?;
    fault::durable(Effect::Sync, temp.path());
    Ok(temp)
}

const PREFIX: &str = ".otto-";
const SUFFIX: &str = ".tmp";

/// A folder that gets its name when everything in it is there.
#[derive(Debug)]
pub struct NewFolder {
    temp: tempfile::TempDir,
    /// Locked while it is ours.
    handle: File,
}

impl NewFolder {
    /// An empty one in the folder that `path` is to be in.
    pub fn beside(path: &Path) -> Result<Self> {
        let dir = parent(path);
        create_dir_all(dir)?;
        let fail = |e| Error::file("create a folder in", dir, e);
        loop {
            fault::before(Effect::Create, dir).map_err(fail)?;
            let temp = tempfile::Builder::new()
                .prefix(PREFIX)
                .suffix(SUFFIX)
                .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777))
                .tempdir_in(dir)
                .map_err(fail)?;
            // A sweep may come between the two: then there is nothing to open.
            let Ok(handle) = File::open(temp.path()) else { continue };
            fs4::FileExt::lock(&handle).map_err(fail)?;
            if temp.path().exists() {
                return Ok(Self { temp, handle });
            }
        }
    }

    pub fn path(&self) -> &Path {
        self.temp.path()
    }

    /// Gives it its name, durably; false if that is taken.
    pub fn name(self, path: &Path) -> Result<bool> {
        if path.exists() {
            return Ok(false);
        }
        super::rename(self.temp.path(), path)?;
        drop(self.temp.keep());
        drop(self.handle);
        Ok(true)
    }
}

/// Whether a kill left this, which never got its name.
pub fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// Removes what writers that died have left in `dir` itself. Every writer holds the lock of its
/// temporary file or folder, and the kernel takes it away with the writer.
pub fn sweep(dir: &Path) -> Result<()> {
    sweep_to(dir, 1)
}

/// [`sweep`] with every folder below.
pub fn sweep_below(dir: &Path) -> Result<()> {
    sweep_to(dir, usize::MAX)
}

fn sweep_to(dir: &Path, depth: usize) -> Result<()> {
    // What cannot be listed holds nothing that must go; whoever needs it says so.
    for entry in walkdir::WalkDir::new(dir).min_depth(1).max_depth(depth).into_iter().flatten() {
        let (path, kind) = (entry.path(), entry.file_type());
        let dead = |file: File| fs4::FileExt::try_lock(&file).is_ok();
        if !is_temporary(path) || !File::open(path).is_ok_and(dead) {
            continue;
        }
        if kind.is_dir() {
            super::remove_dir_all(path)?;
        } else if kind.is_file() {
            super::remove_file(path)?;
        }
    }
    Ok(())
}

/// As readable as the person's umask makes any other file. Locked while it is ours.
pub(super) fn temp_in(dir: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    loop {
        let temp = tempfile::Builder::new()
            .prefix(PREFIX)
            .suffix(SUFFIX)
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(dir)?;
        fs4::FileExt::lock(temp.as_file())?;
        // A sweep may have come between the two.
        if temp.as_file().metadata()?.nlink() > 0 {
            return Ok(temp);
        }
    }
}

pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        Some(_) | None => Path::new("."),
    }
}

pub(super) fn sync_dir(dir: &Path) -> Result<()> {
    let fail = |e| Error::file("sync", dir, e);
    fault::before(Effect::SyncFolder, dir).map_err(fail)?;
    File::open(dir).and_then(|d| d.sync_all()).map_err(fail)?;
    fault::durable(Effect::SyncFolder, dir);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_and_leaves_nothing_beside() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a/b.txt");
        replace(&path, b"one").expect("write");
        replace(&path, b"two").expect("write again");
        assert_eq!(std::fs::read(&path).expect("read"), b"two");
        assert_eq!(std::fs::read_dir(path.parent().expect("parent")).expect("list").count(), 1);
    }

    #[test]
    fn a_sweep_takes_only_what_nobody_writes() {
        let dir = tempfile::tempdir().expect("a folder");
        let mine = temp_in(dir.path()).expect("made");
        std::fs::write(dir.path().join(".otto-abc.tmp"), "left").expect("written");
        std::fs::write(dir.path().join("otto.tmp"), "somebody's").expect("written");
        sweep(dir.path()).expect("swept");
        assert!(mine.path().exists() && dir.path().join("otto.tmp").exists());
        assert!(!dir.path().join(".otto-abc.tmp").exists());
        sweep(&dir.path().join("absent")).expect("nothing to do");

        let folder = NewFolder::beside(&dir.path().join("whole")).expect("made");
        std::fs::write(folder.path().join("a"), "1").expect("written");
        std::fs::create_dir(dir.path().join(".otto-dead.tmp")).expect("made");
        sweep(dir.path()).expect("swept");
        assert!(folder.path().exists() && !dir.path().join(".otto-dead.tmp").exists());
        assert!(folder.name(&dir.path().join("whole")).expect("named"));
        assert!(dir.path().join("whole/a").exists());
    }

    #[test]
    fn create_new_never_overwrites() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("x");
        assert!(create_new(&path, b"one").expect("first"));
        assert!(!create_new(&path, b"two").expect("second"));
        assert_eq!(std::fs::read(&path).expect("read"), b"one");
    }

    #[test]
    fn a_damaged_file_is_kept_aside_and_stored_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let (_, path) = store_by_hash(dir.path(), b"one").expect("stored");
        std::fs::write(&path, b"onf").expect("damaged");
        for _ in 0..2 {
            store_by_hash(dir.path(), b"one").expect("stored again");
            assert_eq!(std::fs::read(&path).expect("read"), b"one");
            assert_eq!(std::fs::read_dir(dir.path()).expect("list").count(), 2);
        }
    }
}
