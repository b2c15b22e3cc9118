//! Folders: made, listed, removed.

use std::path::{Path, PathBuf};

use crate::base::fault::{self, Effect};
use crate::base::{Error, Result};

/// Makes `dir` and what is missing above it, durably: a synced file in a folder that a power cut
/// takes away is no file.
pub fn create_dir_all(dir: &Path) -> Result<()> {
    let missing: Vec<&Path> = missing_above(dir).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let fail = |e| Error::file("create the folder", dir, e);
    fault::before(Effect::Create, dir).map_err(fail)?;
    std::fs::create_dir_all(dir).map_err(fail)?;
    missing.into_iter().try_for_each(|made| super::atomic::sync_dir(super::atomic::parent(made)))
}

/// `dir` and the folders above it that are not there, innermost first.
fn missing_above(dir: &Path) -> impl Iterator<Item = &Path> {
    dir.ancestors().take_while(|d| !d.as_os_str().is_empty() && !d.is_dir())
}

/// Removes a folder that may be absent.
pub fn remove_dir_all(dir: &Path) -> Result<()> {
    fault::before(Effect::Remove, dir).map_err(|e| Error::file("remove", dir, e))?;
    match super::remove::remove_tree(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::file("remove", dir, e)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes a folder that somebody may look into, whole or not at all: it loses its name first, and
/// what a kill leaves of it is swept.
pub fn remove_whole(dir: &Path) -> Result<()> {
    let aside = super::NewFolder::beside(dir)?;
    let gone = aside.path().join("gone");
    rename(dir, &gone)?;
    super::atomic::sync_dir(super::atomic::parent(dir))?;
    remove_dir_all(&gone)
}

/// Bytes of the regular files below a folder, or of a file; none for what is absent.
pub fn size_of(path: &Path) -> Result<u64> {
    let mut bytes = 0;
    let size =
        |path: &Path| path.symlink_metadata().map_or(0, |m| if m.is_file() { m.len() } else { 0 });
    if !path.is_dir() {
        return Ok(size(path));
    }
    for file in files_below(path)? {
        bytes += size(&path.join(file));
    }
    Ok(bytes)
}

/// Removes a file that may be absent.
pub fn remove_file(path: &Path) -> Result<()> {
    fault::before(Effect::Remove, path).map_err(|e| Error::file("remove", path, e))?;
    match std::fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::file("remove", path, e)),
    }
}

/// Renames and syncs the folder that holds the new name.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    let fail = |e| Error::file("rename", from, e);
    fault::before(Effect::Rename, to).map_err(fail)?;
    std::fs::rename(from, to).map_err(fail)?;
    super::atomic::sync_dir(super::atomic::parent(to))
}

/// Names of the folders in `dir`, sorted; none if it is absent.
pub fn subdirs(dir: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::file("list", dir, e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::file("list", dir, e))?;
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort();
    Ok(names)
}

/// The regular files in `dir` that hold nothing.
pub fn empty_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let fail = |e| Error::file("list", dir, e);
    let mut empty = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if entry.metadata().is_ok_and(|m| m.is_file() && m.len() == 0) {
            empty.push(entry.path());
        }
    }
    Ok(empty)
}

/// Paths of the regular files below `dir`, relative to it, sorted; symlinks are not followed.
pub fn files_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(dir).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) if e.io_error().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound) => {
                continue;
            }
            Err(e) => {
                return Err(Error::machine(format!("cannot list '{}'", dir.display())).because(e));
            }
        };
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(dir).expect("because the walk starts at dir");
            files.push(path.to_owned());
        }
    }
    Ok(files)
}

/// Sets the executable bits that the read bits allow.
pub fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let fail = |e| Error::file("make executable", path, e);
    let mode = path.metadata().map_err(fail)?.permissions().mode();
    let mode = mode | ((mode & 0o444) >> 2);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(fail)
}

/// A new folder in the temporary folder, which stays.
pub fn new_temp_dir(prefix: &str) -> Result<PathBuf> {
    let fail = |e| Error::file("create a folder in", &std::env::temp_dir(), e);
    fault::before(Effect::Create, prefix).map_err(fail)?;
    let dir = tempfile::Builder::new().prefix(prefix).tempdir().map_err(fail)?;
    Ok(dir.keep())
}

/// A new, empty file to write a log into as it comes; what was there is gone.
pub fn create_log(path: &Path) -> Result<std::fs::File> {
    fault::before(Effect::Create, path)
        .and_then(|()| std::fs::File::create(path))
        .map_err(|e| Error::file("create", path, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_made_from_the_outside_in() {
        let dir = tempfile::tempdir().expect("a folder");
        let deep = dir.path().join("a/b/c");
        let missing: Vec<_> = missing_above(&deep).collect();
        assert_eq!(missing, [deep.as_path(), &dir.path().join("a/b"), &dir.path().join("a")]);
        create_dir_all(&deep).expect("made");
        assert_eq!(missing_above(&deep).count(), 0);
        // Once more is no error, and below a file there can be no folder.
        create_dir_all(&deep).expect("there");
        std::fs::write(deep.join("file"), "").expect("written");
        assert!(create_dir_all(&deep.join("file/x")).is_err());
    }
}
