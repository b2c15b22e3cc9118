//! Evidence: what Otto's own processes captured, without secrets, kept under the hash of its bytes.

use std::path::{Path, PathBuf};

use globset::{Glob, GlobSetBuilder};

use super::EvidenceRef;
use crate::base::{Error, Result, Secrets, Sha256};
use crate::disk;

/// More of one file is cut before it is kept; the cut is said in the bytes.
const MAX_FILE: u64 = 16 << 20;

/// The evidence folder of a session.
#[derive(Debug, Clone)]
pub struct EvidenceStore {
    dir: PathBuf,
    secrets: Secrets,
}

impl EvidenceStore {
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, secrets: Secrets::default() }
    }

    /// What is kept from now on is kept without these, besides all known shapes.
    pub fn hiding(self, secrets: Secrets) -> Self {
        Self { secrets, ..self }
    }

    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub fn keep(&self, bytes: &[u8]) -> Result<EvidenceRef> {
        let (hash, _) = disk::store_by_hash(&self.dir, &self.secrets.hide_bytes(bytes))?;
        Ok(EvidenceRef(hash))
    }

    pub fn keep_file(&self, path: &Path) -> Result<EvidenceRef> {
        let size = path.metadata().map_err(|e| Error::file("read", path, e))?.len();
        if size <= MAX_FILE {
            return self.keep(&disk::read(path)?);
        }
        let mut bytes =
            format!("[the first {} of {size} bytes were left out]\n", size - MAX_FILE).into_bytes();
        bytes.extend(disk::tail_bytes(path, MAX_FILE)?);
        self.keep(&bytes)
    }

    pub fn path(&self, hash: &Sha256) -> PathBuf {
        self.dir.join(hash.to_string())
    }

    /// The bytes, checked against their name.
    pub fn read(&self, reference: &EvidenceRef) -> Result<Vec<u8>> {
        let path = self.path(&reference.0);
        let bytes = disk::read(&path)?;
        if Sha256::of(&bytes) != reference.0 {
            return Err(Error::input(format!("evidence '{}' was altered", path.display())));
        }
        Ok(bytes)
    }
}

/// Files below `dir` that match one of the globs. The worktree was fresh when the check started,
/// so what matches was made by it or is tracked.
pub(super) fn matching(dir: &Path, globs: &[String]) -> Result<Vec<PathBuf>> {
    if globs.is_empty() {
        return Ok(Vec::new());
    }
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(
            Glob::new(glob)
                .map_err(|e| Error::input(format!("'{glob}' is not a glob")).because(e))?,
        );
    }
    let set = set.build().map_err(|e| Error::input("the evidence globs").because(e))?;
    let files = disk::files_below(dir)?;
    Ok(files.into_iter().filter(|f| set.is_match(f)).map(|f| dir.join(f)).collect())
}
