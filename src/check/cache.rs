//! The result cache: a check that ran on this very tree with these very tools need not run again.
//! Only passes and plain failures are kept. Audit and verify never look here.
//!
//! An entry is a hint where to look, and no witness: it is believed only when the session's journal
//! holds the same outcome of the same check, and its tree is the one that is asked for. Anything
//! else is a miss, and the check runs.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Outcome, Reason, Status};
use crate::base::{Json, Result, SessionId, Sha256};
use crate::disk;
use crate::git::Oid;
use crate::process::{Network, Tier, on_path};
use crate::session::{Session, State};
use crate::spec::Check;

/// Entries of another version are misses.
const VERSION: u32 = 2;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    v: u32,
    /// What it answers, so that a file under another name answers nothing.
    key: Sha256,
    /// The session whose journal has the run.
    session: SessionId,
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
    pub fn get(
        &self,
        key: &Sha256,
        session: &Session,
        check: &str,
        tree: Oid,
    ) -> Result<Option<Outcome>> {
        let Some(found) = disk::read_sealed::<Entry>(&self.path(key))? else { return Ok(None) };
        // Evidence lies in the session that captured it, and a proof must hold its own.
        let asked = |e: &Entry| {
            e.v == VERSION
                && e.key == *key
                && e.session == session.id
                && e.outcome.tree() == tree.to_string()
        };
        let Some(entry) = found.ok().filter(asked) else { return Ok(None) };
        let told = Json::of(&entry.outcome)?;
        Ok(session.with_state(|s| is_recorded(s, check, &told))?.then_some(entry.outcome))
    }

    pub fn put(&self, key: &Sha256, session: &SessionId, outcome: &Outcome) -> Result<()> {
        let worth = match outcome.status() {
            Status::Passed => true,
            Status::Failed => outcome.reason() != Reason::Flaky,
            Status::NotRun => false,
        };
        if !worth {
            return Ok(());
        }
        let entry =
            Entry { v: VERSION, key: *key, session: session.clone(), outcome: outcome.clone() };
        // Not synced: what a power cut takes, or tears, is a miss.
        disk::place_dir(&self.dir)?;
        disk::replace_derived(&self.path(key), &disk::sealed(&entry)?)
    }
}

/// The newest outcome of this check, in any phase of any group, is this one.
fn is_recorded(state: &State, check: &str, told: &Json) -> bool {
    let all = state.groups.values().flat_map(|g| &g.checks);
    all.into_iter().any(|((_, id), outcome)| id == check && outcome == told)
}

/// Everything that decides an outcome.
#[derive(Debug)]
pub(super) struct KeyParts<'a> {
    pub tree: Oid,
    pub check: &'a Check,
    pub prepare: &'a Sha256,
    pub tier: Tier,
    pub network: Network,
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
        parts.network.word().as_bytes(),
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
