//! Refs by compare-and-swap, under the repository's own flock.
//!
//! gix and git leave `<ref>.lock` behind when they are killed, and then refuse that ref for ever.
//! Ours are only written under our flock, whose file says which ones: a holder that finds names
//! there knows that the one before it died over them. Any other leftover of ours is removed when
//! no process has it open and it is older than a minute. `packed-refs.lock` never is: it is said
//! where it lies. Nothing of ours takes that one, except to remove a ref that somebody has packed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use gix::refs::Target;
use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog};

use super::{Oid, Repo};
use crate::base::error::Context;
use crate::base::fault::{self, Effect};
use crate::base::{Error, Result};
use crate::disk::Held;
use crate::disk::lock::Refs;

/// What a ref must be before it is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    Absent,
    At(Oid),
    Whatever,
}

impl Expect {
    pub fn from_option(old: Option<Oid>) -> Self {
        old.map_or(Expect::Absent, Expect::At)
    }
}

/// A change of one ref; `new: None` deletes it.
#[derive(Debug, Clone)]
pub struct RefUpdate {
    pub name: String,
    pub expect: Expect,
    pub new: Option<Oid>,
    /// For the reflog.
    pub message: String,
}

/// The ref was not where it was expected to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub name: String,
    pub found: Option<Oid>,
}

const STALE_AFTER: Duration = Duration::from_secs(60);
const DELETE_TRIES: u32 = 100;
const DELETE_WAIT: Duration = Duration::from_millis(20);

impl Repo {
    /// The commit that a full ref name points to, annotated tags peeled.
    pub fn read_ref(&self, name: &str) -> Result<Option<Oid>> {
        let repo = self.local();
        let found =
            repo.try_find_reference(name).or_machine(|| format!("cannot read the ref '{name}'"))?;
        match found {
            None => Ok(None),
            Some(mut reference) => {
                let id = reference
                    .peel_to_id()
                    .or_machine(|| format!("cannot follow the ref '{name}'"))?;
                Ok(Some(Oid(id.detach())))
            }
        }
    }

    /// Removes a loose ref of ours whose file names no object that is there; true if it did.
    pub fn clear_broken_ref(&self, _held: &Held<Refs>, name: &str) -> Result<bool> {
        let path = self.project.common_dir.join(name);
        let Some(bytes) = crate::disk::read_if_there(&path)? else { return Ok(false) };
        let text = String::from_utf8_lossy(&bytes);
        if self.names_something(&text) || !is_ours(name) {
            return Ok(false);
        }
        tracing::warn!("'{}' names no object and is removed", path.display());
        crate::disk::remove_file(&path)?;
        Ok(true)
    }

    /// Names and ids of the refs below `prefix` (ending in `/`), by name.
    pub fn refs_below(&self, prefix: &str) -> Result<Vec<(String, Oid)>> {
        let repo = self.local();
        let platform = repo.references().or_machine(|| "cannot list refs".into())?;
        let iter = platform.prefixed(prefix).or_machine(|| format!("cannot list '{prefix}'"))?;
        let mut out = Vec::new();
        for reference in iter {
            let reference = reference
                .map_err(|e| Error::machine("cannot read a ref").because(e.to_string()))?;
            if let Some(id) = reference.target().try_id() {
                out.push((reference.name().as_bstr().to_string(), Oid(id.to_owned())));
            }
        }
        out.sort();
        Ok(out)
    }

    /// All or none. `Err(Moved)` inside `Ok` when a ref was not as expected.
    pub fn update_refs(
        &self,
        held: &Held<Refs>,
        updates: &[RefUpdate],
    ) -> Result<std::result::Result<(), Moved>> {
        let edits: Vec<RefEdit> = updates.iter().map(edit).collect::<Result<_>>()?;
        let signature = gix::actor::SignatureRef {
            name: super::commit::NAME.into(),
            email: super::commit::EMAIL.into(),
            time: &format!("{} +0000", jiff::Timestamp::now().as_second()),
        };
        for update in updates {
            self.refuse_missing(update)?;
        }
        self.clear_after_a_kill(&held.unfinished()?)?;
        held.begin(&updates.iter().map(|u| u.name.as_str()).collect::<Vec<_>>())?;
        let done = self.edit(&edits, signature, updates);
        held.end()?;
        done
    }

    /// Removes a ref of ours, whatever it names. A loose one goes with its file alone: a transaction
    /// would lock `packed-refs`, and killed in that moment leave a lock that nobody may remove.
    pub fn forget_ref(&self, held: &Held<Refs>, name: &str, message: &str) -> Result<()> {
        if is_ours(name) {
            for file in [
                self.project.common_dir.join(name),
                self.project.common_dir.join("logs").join(name),
            ] {
                crate::disk::remove_file(&file)?;
            }
        }
        if self.read_ref(name)?.is_none() {
            return Ok(());
        }
        let (name, message) = (name.to_owned(), message.to_owned());
        let update = RefUpdate { name, expect: Expect::Whatever, new: None, message };
        // Without an expectation it cannot have moved.
        self.update_refs(held, &[update]).map(drop)
    }

    /// A ref must not come to name an object that is gone: what nothing names yet, a
    /// `git gc --prune=now` takes away.
    fn refuse_missing(&self, update: &RefUpdate) -> Result<()> {
        match update.new {
            Some(id) if !self.has_object(id) => Err(Error::later(
                format!("{} was removed before '{}' could name it", id.short(), update.name),
                None,
            )
            .hint("`git gc --prune=now` does that to new objects; nothing is lost, go on: otto run --resume")),
            Some(_) | None => Ok(()),
        }
    }

    fn edit(
        &self,
        edits: &[RefEdit],
        signature: gix::actor::SignatureRef<'_>,
        updates: &[RefUpdate],
    ) -> Result<std::result::Result<(), Moved>> {
        let repo = self.local();
        let first = updates.first().map_or("", |u| u.name.as_str());
        fault::before(Effect::Ref, first)
            .or_machine(|| format!("cannot update the ref '{first}'"))?;
        let (mut cleared, mut tries) = (false, 0);
        loop {
            match repo.edit_references_as(edits.to_vec(), Some(signature)) {
                Ok(_) => return Ok(Ok(())),
                Err(e) => {
                    if let Some(moved) = self.which_moved(updates)? {
                        return Ok(Err(moved));
                    }
                    if tries < DELETE_TRIES && self.is_packed_refs_race(updates) {
                        tries += 1;
                        std::thread::sleep(DELETE_WAIT);
                        continue;
                    }
                    if !cleared && self.clear_stale_locks(updates)? {
                        cleared = true;
                        continue;
                    }
                    return Err(self.why_not(updates, e.is_retryable(), first).because(e));
                }
            }
        }
    }

    /// 75 with the lock file that is in the way, 78 for anything else.
    fn why_not(&self, updates: &[RefUpdate], is_retryable: bool, first: &str) -> Error {
        let common = &self.project.common_dir;
        let mut locks = vec![common.join("packed-refs.lock")];
        locks.extend(updates.iter().map(|u| common.join(format!("{}.lock", u.name))));
        if let Some(lock) = locks.iter().find(|lock| lock.exists()) {
            return super::locked(&format!("the ref '{first}'"), lock);
        }
        if is_retryable {
            return Error::later(format!("the ref '{first}' is locked"), None)
                .hint("another git process is at work; try again");
        }
        Error::machine(format!("cannot update the ref '{first}'"))
    }

    fn which_moved(&self, updates: &[RefUpdate]) -> Result<Option<Moved>> {
        for update in updates {
            let expected = match update.expect {
                Expect::Whatever => continue,
                Expect::Absent => None,
                Expect::At(id) => Some(id),
            };
            let found = self.read_ref(&update.name)?;
            if found != expected {
                return Ok(Some(Moved { name: update.name.clone(), found }));
            }
        }
        Ok(None)
    }

    /// The lock files of refs over which the last writer of ours died.
    fn clear_after_a_kill(&self, names: &[String]) -> Result<()> {
        for name in names.iter().filter(|n| is_ours(n)) {
            let lock = self.project.common_dir.join(format!("{name}.lock"));
            if lock.exists() && !is_open(&lock) {
                tracing::info!("removing '{}', left by a kill", lock.display());
                crate::disk::remove_file(&lock)?;
            }
        }
        Ok(())
    }

    /// Where there is no `packed-refs`, gix (0.90) cannot delete a ref while another process has
    /// `packed-refs.lock`: it waits for the lock and then fails to remove the file that is not
    /// there. git holds that lock for a moment whenever it resets a worktree.
    fn is_packed_refs_race(&self, updates: &[RefUpdate]) -> bool {
        updates.iter().any(|u| u.new.is_none())
            && !self.project.common_dir.join("packed-refs").exists()
    }

    fn clear_stale_locks(&self, updates: &[RefUpdate]) -> Result<bool> {
        let mut any = false;
        for update in updates.iter().filter(|u| is_ours(&u.name)) {
            let lock = self.project.common_dir.join(format!("{}.lock", update.name));
            if is_stale(&lock) {
                tracing::warn!("removing the leftover {}", lock.display());
                crate::disk::remove_file(&lock)?;
                any = true;
            }
        }
        Ok(any)
    }

    /// The worktree that has this branch checked out; ours are detached. Read from the HEAD files
    /// (gitrepository-layout(5)), because this is asked before every ref that moves.
    pub fn checked_out_at(&self, branch: &str) -> Result<Option<PathBuf>> {
        let wanted = format!("ref: {branch}");
        let names = |head: &Path| -> Result<bool> {
            let text = crate::disk::read_if_there(head)?.unwrap_or_default();
            Ok(String::from_utf8_lossy(&text).trim() == wanted)
        };
        let common = &self.project.common_dir;
        if !self.project.bare && names(&common.join("HEAD"))? {
            return Ok(Some(self.project.root.clone()));
        }
        for name in crate::disk::subdirs(&common.join("worktrees"))? {
            let admin = common.join("worktrees").join(name);
            if names(&admin.join("HEAD"))? {
                let dot_git =
                    crate::disk::read_if_there(&admin.join("gitdir"))?.unwrap_or_default();
                let path = PathBuf::from(String::from_utf8_lossy(&dot_git).trim());
                return Ok(Some(path.parent().map(Path::to_owned).unwrap_or(path)));
            }
        }
        Ok(None)
    }
}

fn edit(update: &RefUpdate) -> Result<RefEdit> {
    let name = update
        .name
        .as_str()
        .try_into()
        .map_err(|_| Error::bug(format!("'{}' is not a ref name", update.name)))?;
    let expected = match update.expect {
        Expect::Absent => PreviousValue::MustNotExist,
        Expect::At(id) => PreviousValue::MustExistAndMatch(Target::Object(id.0)),
        Expect::Whatever => PreviousValue::Any,
    };
    let change = match update.new {
        Some(id) => Change::Update {
            log: LogChange {
                mode: RefLog::AndReference,
                force_create_reflog: false,
                message: update.message.as_str().into(),
            },
            expected,
            new: Target::Object(id.0),
        },
        None => Change::Delete { expected, log: RefLog::AndReference },
    };
    Ok(RefEdit { change, name, deref: false })
}

/// A name may come out of a lock file, and must not lead out of the folder of refs.
fn is_ours(name: &str) -> bool {
    !name.contains("..")
        && ["refs/heads/i2p/", "refs/otto/", "refs/notes/otto"].iter().any(|p| name.starts_with(p))
}

fn is_stale(lock: &Path) -> bool {
    let written = std::fs::metadata(lock).and_then(|meta| meta.modified());
    written.is_ok_and(|at| is_long_from(at, SystemTime::now())) && !is_open(lock)
}

/// Where the clock was set back meanwhile, what was left lies in the future.
fn is_long_from(written: SystemTime, now: SystemTime) -> bool {
    let away = now.duration_since(written).unwrap_or_else(|e| e.duration());
    away > STALE_AFTER
}

/// Whether any process that we can look into has the file open.
fn is_open(file: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir("/proc") else { return true };
    for entry in entries.flatten() {
        let Ok(fds) = std::fs::read_dir(entry.path().join("fd")) else { continue };
        if fds.flatten().any(|fd| std::fs::read_link(fd.path()).is_ok_and(|t| t == file)) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_old_on_either_side_of_a_clock_that_was_set() {
        let now = SystemTime::now();
        let hour = Duration::from_secs(3600);
        assert!(is_long_from(now - hour, now));
        assert!(is_long_from(now + hour, now));
        assert!(!is_long_from(now - Duration::from_secs(1), now));
        assert!(!is_long_from(now + Duration::from_secs(1), now));
    }
}
