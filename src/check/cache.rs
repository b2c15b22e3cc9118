//! The result cache: a check that ran on this very tree with these very tools need not run again.
//! Only passes and plain failures are kept. Audit and verify never look here.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Outcome, Reason, Status};
use crate::base::{Error, Result, Sha256};
use crate::disk;
use crate::git::Oid;
use crate::process::{Tier, on_path};
use crate::spec::Check;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    v: u32,
    /// The session whose journal has the run.
    session: String,
    outcome: Outcome,
}

#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
}

impl Cache {
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    fn path(&self, key: &Sha256) -> PathBuf {
        self.dir.join(format!("{key}.json"))
    }

    /// An unreadable entry is a miss: everything here can be made again.
    pub fn get(&self, key: &Sha256, session: &str) -> Result<Option<Outcome>> {
        let Some(bytes) = disk::read_if_there(&self.path(key))? else { return Ok(None) };
        let entry: Option<Entry> = serde_json::from_slice(&bytes).ok();
        // Evidence lies in the session that captured it, and a proof must hold its own.
        Ok(entry.filter(|e| e.v == 1 && e.session == session).map(|e| e.outcome))
    }

    pub fn put(&self, key: &Sha256, session: &str, outcome: &Outcome) -> Result<()> {
        let worth = match outcome.status() {
            Status::Passed => true,
            Status::Failed => outcome.reason() != Reason::Flaky,
            Status::NotRun => false,
        };
        if !worth {
            return Ok(());
        }
        let entry = Entry { v: 1, session: session.to_owned(), outcome: outcome.clone() };
        let bytes = serde_json::to_vec(&entry)
            .map_err(|e| Error::bug("a cached outcome cannot be written").because(e))?;
        // Not synced: what a power cut takes, or tears, is a miss.
        disk::place_dir(&self.dir)?;
        disk::replace_derived(&self.path(key), &bytes)
    }
}

/// Everything that decides an outcome.
#[derive(Debug)]
pub(super) struct KeyParts<'a> {
    pub tree: Oid,
    pub check: &'a Check,
    pub prepare: &'a Sha256,
    pub tier: Tier,
}

pub(super) fn key(parts: &KeyParts<'_>) -> Sha256 {
    let check = serde_json::to_vec(parts.check).unwrap_or_default();
    let tools = toolchain(parts.check);
    Sha256::of_parts(&[
        b"check-1\n",
        parts.tree.to_string().as_bytes(),
        &check,
        parts.prepare.to_string().as_bytes(),
        parts.tier.word().as_bytes(),
        tools.as_bytes(),
    ])
}

/// Identity of the program that a check calls: path, size, modification time.
fn toolchain(check: &Check) -> String {
    let argv = check.params.get("argv").or_else(|| check.params.get("runner"));
    let program = argv.and_then(|a| a.get(0)).and_then(|p| p.as_str()).unwrap_or("python3");
    let path = Path::new(program);
    let found = match (program.contains('/'), path.is_absolute()) {
        (false, _) => on_path(program),
        (true, true) => Some(path.to_owned()),
        // A program inside the worktree is part of the tree, which is in the key already.
        (true, false) => None,
    };
    let Some(found) = found else { return program.to_owned() };
    match found.metadata() {
        Ok(meta) => format!("{} {} {:?}", found.display(), meta.len(), meta.modified().ok()),
        Err(_) => found.display().to_string(),
    }
}
