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

/// Keeps `bytes` under their own hash in `dir`. Storing the same bytes twice is one file.
pub fn store_by_hash(dir: &Path, bytes: &[u8]) -> Result<(Sha256, PathBuf)> {
    let hash = Sha256::of(bytes);
    let path = dir.join(hash.to_string());
    create_new(&path, bytes)?;
    Ok((hash, path))
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

/// As readable as the person's umask makes any other file.
fn temp_in(dir: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .prefix(".otto-")
        .suffix(".tmp")
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(dir)
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
    fn create_new_never_overwrites() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("x");
        assert!(create_new(&path, b"one").expect("first"));
        assert!(!create_new(&path, b"two").expect("second"));
        assert_eq!(std::fs::read(&path).expect("read"), b"one");
    }
}
