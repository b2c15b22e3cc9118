//! The result cache: a check that ran on this very tree with these very tools need not run again.
//! Only passes and plain failures are kept. Audit and verify never look here.
//!
//! An entry is a hint where to look, and no witness: it is believed only when the session's journal
//! holds the same outcome of the same check, and its tree is the one that is asked for. Anything
//! else is a miss, and the check runs.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Outcome, Reason, Status};
use crate::base::{Json, Result, SessionId, Sha256};
use crate::disk;
use crate::disk::lock::{self, Held, Running};
use crate::git::Oid;
use crate::process::{Network, Tier, on_path, stop};
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

/// Said by a run to its steps: `1` where nothing is to be reused.
pub const NO_CACHE_VAR: &str = "OTTO_NO_CACHE";

/// Whether earlier results may stand for a run at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reuse {
    #[default]
    Results,
    /// Everything runs; what it ends with is kept for others.
    Nothing,
}

impl Reuse {
    /// What the run that started this step says.
    pub fn of_step() -> Self {
        match std::env::var_os(NO_CACHE_VAR) {
            Some(said) if said == "1" => Reuse::Nothing,
            Some(_) | None => Reuse::Results,
        }
    }

    pub fn of_flag(no_cache: bool) -> Self {
        if no_cache { Reuse::Nothing } else { Reuse::of_step() }
    }
}

#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
    reuse: Reuse,
}

/// How often a check that another process runs is looked at.
const LOOK: Duration = Duration::from_millis(50);

thread_local! {
    /// Whether this thread runs a check that others may wait for. It waits for nobody meanwhile, so
    /// two of them never wait for each other.
    static RUNS: Cell<bool> = const { Cell::new(false) };
}

/// The right to run one check; others who want its result wait until this is dropped.
#[derive(Debug)]
pub struct Turn {
    path: PathBuf,
    _held: Held<Running>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        RUNS.set(false);
        // Whoever waits sees that the file is gone and takes a new one.
        for path in [self.path.with_extension("holder"), self.path.clone()] {
            drop(disk::remove_file(&path));
        }
    }
}

impl Cache {
    pub fn new(dir: PathBuf, reuse: Reuse) -> Self {
        Self { dir, reuse }
    }

    /// Waits while another process, or thread, runs what this key stands for: its result is then
    /// there to be read. The kernel ends the wait when the other one dies. `None` where nobody is to
    /// be waited for: nothing is reused, this thread has another turn, or the time is over.
    pub fn turn(&self, key: &Sha256, left: Duration) -> Result<Option<Turn>> {
        if self.reuse == Reuse::Nothing || RUNS.get() {
            return Ok(None);
        }
        let path = self.dir.join("running").join(format!("{key}.lock"));
        let began = Instant::now();
        let mut told = false;
        loop {
            match lock::try_hold::<Running>(&path)? {
                Ok(held) => {
                    RUNS.set(true);
                    return Ok(Some(Turn { path, _held: held }));
                }
                Err(busy) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::info!("waiting for the same check: {}", busy.into_error());
                    }
                }
            }
            stop::check()?;
            if began.elapsed() > left {
                return Ok(None);
            }
            std::thread::sleep(LOOK);
        }
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
        if self.reuse == Reuse::Nothing {
            return Ok(None);
        }
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
    /// Its services and their seed data, as the spec has them.
    pub beside: &'a [u8],
    pub prepare: &'a Sha256,
    pub tier: Tier,
    pub network: Network,
}

pub(super) fn key(parts: &KeyParts<'_>) -> Sha256 {
    let check = serde_json::to_vec(parts.check).unwrap_or_default();
    let tools = toolchain(parts.check);
    Sha256::of_parts(&[
        b"check-2\n",
        parts.tree.to_string().as_bytes(),
        &check,
        parts.beside,
        parts.prepare.to_string().as_bytes(),
        parts.tier.word().as_bytes(),
        parts.network.word().as_bytes(),
        tools.as_bytes(),
    ])
}

/// Identity of the program that a check calls: path, size, modification time.
pub(super) fn toolchain(check: &Check) -> String {
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
