//! Evidence: what Otto's own processes captured, without secrets, kept under the hash of its bytes.

use std::path::{Path, PathBuf};

use super::EvidenceRef;
use crate::base::{Error, Result, Secrets, Sha256};
use crate::disk::{self, Refused};
use crate::spec::Paths;

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

    /// Keeps a file below a folder of somebody who is not trusted; what may not be read is said
    /// in its place.
    pub fn keep_file(&self, dir: &Path, path: &Path) -> Result<EvidenceRef> {
        let (size, bytes) = match disk::tail_beneath(dir, path, MAX_FILE) {
            Ok(found) => found,
            Err(why) => {
                let why = match why {
                    Refused::Missing => "it went away".to_owned(),
                    Refused::Outside => "it leads out of the folder".to_owned(),
                    Refused::Other(why) => why,
                };
                return self.keep(format!("[{} is not kept: {why}]\n", path.display()).as_bytes());
            }
        };
        let mut kept = match size.saturating_sub(MAX_FILE) {
            0 => Vec::new(),
            cut => format!("[the first {cut} of {size} bytes were left out]\n").into_bytes(),
        };
        kept.extend(bytes);
        self.keep(&kept)
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

/// A piece of evidence, as much of it as somebody reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    pub size: u64,
    /// All of it, or its start.
    pub head: Vec<u8>,
    /// Its end, where not all of it is in `head`.
    pub tail: Option<Vec<u8>>,
}

impl EvidenceStore {
    /// Both ends of what is longer than twice `most`; the whole is checked against its name, and
    /// never in memory at once.
    pub fn ends(&self, reference: &EvidenceRef, most: u64) -> Result<Ends> {
        let path = self.path(&reference.0);
        let fail = |e| Error::file("read", &path, e);
        let file = std::fs::File::open(&path).map_err(fail)?;
        let size = file.metadata().map_err(fail)?.len();
        if size <= 2 * most {
            return Ok(Ends { size, head: self.read(reference)?, tail: None });
        }
        if Sha256::of_reader(file).map_err(fail)? != reference.0 {
            return Err(Error::input(format!("evidence '{}' was altered", path.display())));
        }
        let tail = Some(disk::tail_bytes(&path, most)?);
        Ok(Ends { size, head: disk::read_start(&path, most)?, tail })
    }
}

/// Files below `dir` that match one of the globs, relative to it. The worktree was fresh when the check started,
/// so what matches was made by it or is tracked.
pub(super) fn matching(dir: &Path, globs: &[String]) -> Result<Vec<PathBuf>> {
    if globs.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = Paths::new(globs)?;
    let files = disk::files_below(dir)?;
    Ok(files.into_iter().filter(|f| wanted.has(f)).collect())
}
