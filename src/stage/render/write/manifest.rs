//! `manifest.json`: the hash of every file of a session, so that a copy of the folder can be
//! checked with nothing but `sha256sum`.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use serde::Serialize;

use crate::base::{Error, Result, Sha256};
use crate::disk;
use crate::session::layout::SessionLayout;

#[derive(Debug, Serialize)]
struct Manifest {
    v: u32,
    /// Path below the session's folder → hash, by path.
    files: BTreeMap<String, Sha256>,
}

pub(super) fn write(layout: &SessionLayout) -> Result<()> {
    let own = layout.manifest();
    let mut files = BTreeMap::new();
    for path in disk::files_below(&layout.dir)? {
        let whole = layout.dir.join(&path);
        if whole == own || is_passing(&path) {
            continue;
        }
        if let Some(hash) = hash(&whole)? {
            files.insert(path.to_string_lossy().into_owned(), hash);
        }
    }
    disk::replace_json(&own, &Manifest { v: 1, files })
}

/// Locks, and files in the middle of being written: no part of what happened.
fn is_passing(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".lock") || name.ends_with(".holder") || disk::is_temporary(path)
}

/// `None` for a file that went away since it was listed.
fn hash(path: &Path) -> Result<Option<Sha256>> {
    match File::open(path) {
        Ok(file) => Sha256::of_reader(file).map(Some).map_err(|e| Error::file("read", path, e)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::file("read", path, e)),
    }
}
