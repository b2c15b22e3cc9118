//! A pool of disposable worktrees, outside the user's checkout, reset in place and leased by flock.
//!
//! Creation is serialised (parallel `git worktree add` is racy). Each slot has an index of its own
//! outside the worktree, so that what an agent does to the one it sees changes nothing for us.
//!
//! ```text
//! <pool>/003/lease.lock      flock while somebody uses the slot
//! <pool>/003/owner.json      whose unfinished work is in it, if any
//! <pool>/003/index           our index
//! <pool>/003/folders         folders that need not be read again
//! <pool>/003/boot            the boot in which it was written
//! <pool>/003/slot.json       its git dir, and what its .git file says
//! <pool>/003/beside/         what whoever looks at the worktree has to see
//! <pool>/003/<project>/      the worktree
//! ```

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Git, Oid, Repo};
use crate::base::{Error, Result};
use crate::disk::lock::{self, Lease, Worktrees};
use crate::disk::{self, Held};

/// Whose unfinished work a slot holds; it is not reused until that is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    pub session: String,
    pub group: String,
    pub attempt: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slot {
    pub(super) git_dir: PathBuf,
    dot_git: String,
}

#[derive(Debug, Clone)]
pub struct Pool {
    pub(super) repo: Repo,
    pub(super) dir: PathBuf,
    worktrees_lock: PathBuf,
    pub(super) filters: Vec<String>,
}

/// A leased worktree. Dropping it gives the slot back, unless it has an owner record.
#[derive(Debug)]
pub struct Worktree {
    pub path: PathBuf,
    pub slot: String,
    pub(super) git_dir: PathBuf,
    pub(super) index: PathBuf,
    pub(super) folders: PathBuf,
    /// Paths that are not staged, in gitignore(5)'s form.
    pub(super) excludes: PathBuf,
    pub(super) repo: Repo,
    pub(super) filters: Vec<String>,
    pub(super) home: PathBuf,
    dot_git: String,
    lease: Held<Lease>,
    /// The machine was started again since somebody worked here: what was not synced may be gone,
    /// empty or torn.
    pub rebooted: bool,
}

impl Pool {
    /// `dir` must not lie inside a working tree: tools look upwards and would judge the wrong files.
    /// `filters` are the filter drivers that the user allows.
    pub fn open(repo: &Repo, dir: &Path, locks: &Path, filters: &[String]) -> Result<Self> {
        disk::create_dir_all(dir)?;
        let dir = dir.canonicalize().map_err(|e| Error::file("resolve", dir, e))?;
        if dir.starts_with(&repo.project.root) && !repo.project.bare {
            return Err(Error::machine(format!(
                "the worktree folder '{}' lies inside the checkout",
                dir.display()
            ))
            .hint("tools look upwards (node_modules, a cargo workspace, conftest.py) and would judge your files instead of the commit: point `worktree_dir:` elsewhere, or remove it to use the cache folder"));
        }
        Ok(Self {
            repo: repo.clone(),
            dir,
            worktrees_lock: locks.join("worktrees.lock"),
            filters: filters.to_vec(),
        })
    }

    /// A free worktree, reset to `commit`.
    pub fn lease(&self, commit: Oid, owner: Option<&Owner>) -> Result<Worktree> {
        for slot in disk::subdirs(&self.dir)? {
            let home = self.dir.join(&slot);
            if home.join("owner.json").exists() {
                continue;
            }
            let Ok(lease) = lock::try_hold::<Lease>(&home.join("lease.lock"))? else { continue };
            // Somebody may have put a record there between the look and the lock.
            if home.join("owner.json").exists() {
                continue;
            }
            let lease = match self.existing(&slot, lease)? {
                Ok(worktree) => match worktree.ready(commit) {
                    Ok(()) => return worktree.owned_by(owner),
                    Err(e) => {
                        // It is disposable: a power cut may have left half of git's files.
                        tracing::info!("the worktree '{}' is made anew: {e}", slot);
                        worktree.lease
                    }
                },
                Err(lease) => lease,
            };
            return self.fresh(&slot, lease, commit, owner);
        }
        let (slot, lease) = self.new_slot()?;
        self.fresh(&slot, lease, commit, owner)
    }

    fn fresh(
        &self,
        slot: &str,
        lease: Held<Lease>,
        commit: Oid,
        owner: Option<&Owner>,
    ) -> Result<Worktree> {
        let worktree = self.create(slot, lease, commit)?;
        worktree.ready(commit)?;
        worktree.owned_by(owner)
    }

    /// Frees the slots of owners whose work is settled: a stop came before, or a power cut undid,
    /// giving them back. A free slot of which git could not read the half that a power cut left is
    /// taken away from git, which would complain of it.
    pub fn settle(&self, is_settled: impl Fn(&Owner) -> bool) -> Result<()> {
        for slot in disk::subdirs(&self.dir)? {
            let home = self.dir.join(&slot);
            let Ok(lease) = lock::try_hold::<Lease>(&home.join("lease.lock"))? else { continue };
            match read_owner(&home)? {
                Some(owner) if is_settled(&owner) => disk::remove_file(&home.join("owner.json"))?,
                Some(_) => continue,
                None => {}
            }
            if let Some(record) = read_slot(&home)?
                && self.existing(&slot, lease)?.is_err()
                && record.git_dir.starts_with(self.repo.project.common_dir.join("worktrees"))
            {
                disk::remove_dir_all(&record.git_dir)?;
                disk::remove_file(&home.join("slot.json"))?;
            }
        }
        Ok(())
    }

    /// The slot that holds this owner's unfinished work, as it was left. A slot that an earlier
    /// attempt of the same group still owns was not given back in time: that attempt is finished
    /// and committed, so its slot is free.
    pub fn reclaim(&self, wanted: &Owner) -> Result<Option<Worktree>> {
        let mut found = None;
        for slot in disk::subdirs(&self.dir)? {
            let home = self.dir.join(&slot);
            let Some(owner) = read_owner(&home)? else { continue };
            if owner.session != wanted.session || owner.group != wanted.group {
                continue;
            }
            if owner.attempt != wanted.attempt {
                if lock::try_hold::<Lease>(&home.join("lease.lock"))?.is_ok() {
                    disk::remove_file(&home.join("owner.json"))?;
                }
                continue;
            }
            let lease = lock::try_hold::<Lease>(&home.join("lease.lock"))?
                .map_err(lock::Busy::into_error)?;
            match self.existing(&slot, lease)? {
                Ok(mut worktree) => {
                    worktree.rebooted = worktree.is_of_another_boot()?;
                    worktree.end_strays()?;
                    worktree.refuse_damaged_index()?;
                    found = Some(worktree);
                }
                // There may be work in it that can no longer be taken up.
                Err(_lease) if is_damaged(&home)? => {
                    return Err(Error::input(format!(
                        "'{}' is damaged, and the worktree beside it holds unfinished work",
                        home.join("slot.json").display()
                    ))
                    .hint("save what you need from the worktree, then remove owner.json there"));
                }
                // Nothing can be read from it any more, so nothing is lost by letting go.
                Err(_lease) => disk::remove_file(&home.join("owner.json"))?,
            }
        }
        Ok(found)
    }

    /// Ends what a killed Otto left running in any slot that nobody uses.
    pub fn end_orphans(&self) -> Result<()> {
        for (_, folder) in crate::process::marked_inside(&self.dir) {
            let below = folder.strip_prefix(&self.dir).ok().and_then(|p| p.components().next());
            let Some(home) = below.map(|slot| self.dir.join(slot)).filter(|h| h.is_dir()) else {
                continue;
            };
            if let Ok(_free) = lock::try_hold::<Lease>(&home.join("lease.lock"))? {
                crate::process::kill_inside(&home);
            }
        }
        Ok(())
    }

    fn new_slot(&self) -> Result<(String, Held<Lease>)> {
        let _creating = lock::hold::<Worktrees>(&self.worktrees_lock)?;
        for n in 0..10_000 {
            let slot = format!("{n:03}");
            let home = self.dir.join(&slot);
            if home.exists() {
                continue;
            }
            disk::create_dir_all(&home)?;
            if let Ok(lease) = lock::try_hold::<Lease>(&home.join("lease.lock"))? {
                return Ok((slot, lease));
            }
        }
        Err(Error::machine(format!("10000 worktrees are in use in '{}'", self.dir.display())))
    }

    fn create(&self, slot: &str, lease: Held<Lease>, commit: Oid) -> Result<Worktree> {
        let home = self.dir.join(slot);
        let path = home.join(self.repo.project.name());
        let _creating = lock::hold::<Worktrees>(&self.worktrees_lock)?;
        disk::remove_dir_all(&path)?;
        disk::remove_file(&home.join("index"))?;
        let git = Git::new(&self.repo.project.common_dir);
        let text = path.to_string_lossy().into_owned();
        let commit = commit.to_string();
        git.run(&[
            "worktree",
            "add",
            "--quiet",
            "--force",
            "--force",
            "--detach",
            "--no-checkout",
            &text,
            &commit,
        ])?;
        let dot_git = disk::read_text(&path.join(".git"))?;
        let git_dir = dot_git.trim().strip_prefix("gitdir: ").ok_or_else(|| {
            Error::machine(format!("git made no linked worktree at '{}'", path.display()))
        })?;
        let slot_record = Slot { git_dir: PathBuf::from(git_dir), dot_git: dot_git.clone() };
        disk::replace_sealed(&home.join("slot.json"), &slot_record)?;
        Ok(self.worktree(slot, lease, slot_record))
    }

    /// The slot's worktree if it is whole; gives the lease back if it has to be made again.
    fn existing(
        &self,
        slot: &str,
        lease: Held<Lease>,
    ) -> Result<std::result::Result<Worktree, Held<Lease>>> {
        let home = self.dir.join(slot);
        let Some(record) = read_slot(&home)? else { return Ok(Err(lease)) };
        let path = home.join(self.repo.project.name());
        let says = |name: &str, what: &Path| -> Result<bool> {
            let text = disk::read_if_there(&record.git_dir.join(name))?.unwrap_or_default();
            Ok(text.trim_ascii_end() == what.as_os_str().as_encoded_bytes())
        };
        // gitrepository-layout(5): what makes the folder a linked worktree of this repository.
        let whole = record.git_dir.starts_with(&self.repo.project.common_dir)
            && path.is_dir()
            && says("gitdir", &path.join(".git"))?
            && says("commondir", Path::new("../.."))?
            && has_head(&record.git_dir)?;
        Ok(if whole { Ok(self.worktree(slot, lease, record)) } else { Err(lease) })
    }

    fn worktree(&self, slot: &str, lease: Held<Lease>, record: Slot) -> Worktree {
        let home = self.dir.join(slot);
        Worktree {
            path: home.join(self.repo.project.name()),
            slot: slot.to_owned(),
            git_dir: record.git_dir,
            index: home.join("index"),
            folders: home.join("folders"),
            excludes: home.join("excludes"),
            repo: self.repo.clone(),
            filters: self.filters.clone(),
            home,
            dot_git: record.dot_git,
            lease,
            rebooted: false,
        }
    }
}

/// `None` for a slot without a worktree, or one of which nothing is known.
pub(super) fn read_slot(home: &Path) -> Result<Option<Slot>> {
    Ok(disk::read_sealed(&home.join("slot.json"))?.and_then(std::result::Result::ok))
}

fn is_damaged(home: &Path) -> Result<bool> {
    Ok(matches!(disk::read_sealed::<Slot>(&home.join("slot.json"))?, Some(Err(_))))
}

fn has_head(git_dir: &Path) -> Result<bool> {
    let text = disk::read_if_there(&git_dir.join("HEAD"))?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    Ok(text.starts_with("ref: ") || text.trim().parse::<Oid>().is_ok())
}

/// An index ends in the SHA-1 of what stands before (gitformat-index(5)).
fn is_whole(index: &[u8]) -> bool {
    let Some((body, told)) = index.split_last_chunk::<20>() else { return false };
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(body);
    hasher.try_finalize().is_ok_and(|hash| hash.as_slice() == told)
}

pub(super) fn read_owner(home: &Path) -> Result<Option<Owner>> {
    let path = home.join("owner.json");
    disk::read_sealed(&path)?.transpose().map_err(|why| {
        Error::input(format!("'{}' is damaged: {why}", path.display()))
            .hint("the worktree beside it may hold work: look, then remove the file")
    })
}

/// Files of a worktree's git dir that say what was begun there (gitrepository-layout(5)).
const UNFINISHED: [&str; 8] = [
    "MERGE_HEAD",
    "MERGE_MODE",
    "MERGE_MSG",
    "SQUASH_MSG",
    "AUTO_MERGE",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "BISECT_LOG",
];

impl Worktree {
    fn ready(&self, commit: Oid) -> Result<()> {
        self.end_strays()?;
        disk::remove_dir_all(&self.home.join(super::inside::BESIDE))?;
        self.reset(commit)
    }

    fn owned_by(self, owner: Option<&Owner>) -> Result<Self> {
        if let Some(owner) = owner {
            disk::replace_sealed(&self.home.join("owner.json"), owner)?;
        }
        Ok(self)
    }

    /// Scratch space beside the worktree: the HOME, TMPDIR and outputs of what runs in it.
    pub fn scratch(&self) -> Result<PathBuf> {
        let dir = self.home.join("scratch");
        disk::remove_dir_all(&dir)?;
        disk::place_dir(&dir)?;
        Ok(dir)
    }

    /// Contents that a commit holds, under whatever path.
    pub fn contents_of(&self, commit: Oid) -> Result<HashSet<Oid>> {
        Ok(self.repo.entries_of(commit)?.into_iter().map(|(.., content)| content).collect())
    }

    /// The same for what runs beside: an empty folder of that name.
    pub fn scratch_of(&self, name: &str) -> Result<PathBuf> {
        let dir = self.home.join(format!("scratch-{name}"));
        disk::remove_dir_all(&dir)?;
        disk::place_dir(&dir)?;
        Ok(dir)
    }

    /// Ends what an earlier occupant left: processes inside, and locks of a git that was killed.
    /// The lease is the proof that nobody of ours works here.
    fn end_strays(&self) -> Result<()> {
        crate::process::kill_inside(&self.path);
        disk::sweep(&self.home)?;
        disk::sweep(&self.git_dir)?;
        for lock in [
            self.home.join("index.lock"),
            self.git_dir.join("index.lock"),
            self.git_dir.join("HEAD.lock"),
        ] {
            disk::remove_file(&lock)?;
        }
        self.distrust_after_a_boot()?;
        // git copies the user's sparse patterns into a new worktree; ours hold everything.
        disk::remove_file(&self.git_dir.join("info/sparse-checkout"))
    }

    pub(super) fn git(&self) -> Git {
        let git = Git::new(&self.git_dir)
            .worktree(&self.path)
            .index(&self.index)
            .config("core.sparseCheckout=false".into())
            .config("index.skipHash=false".into());
        super::snapshot::without_filters(git, &self.repo, &self.filters)
    }

    /// Removes our index where it is not what git wrote: git itself believes what it says about
    /// files that it need not look at. Without one, git looks at every file.
    pub(super) fn refuse_damaged_index(&self) -> Result<()> {
        match disk::read_if_there(&self.index)? {
            Some(bytes) if !is_whole(&bytes) => disk::remove_file(&self.index),
            _ => Ok(()),
        }
    }

    /// Makes the worktree hold exactly `commit` and nothing else, ignored files included, and
    /// checks that it does: isolation or no execution.
    pub fn reset(&self, commit: Oid) -> Result<()> {
        self.restore_dot_git()?;
        self.refuse_damaged_index()?;
        let id = commit.to_string();
        if !self.reset_plainly(commit)? {
            let git = self.git();
            self.detach(&id)?;
            self.remove_unseen()?;
            git.run(&["read-tree", "--reset", "-u", &id])?;
            git.run(&["clean", "-ffdxq"])?;
        }
        let head = disk::read_text(&self.git_dir.join("HEAD"))?;
        if head.trim() != id {
            return Err(Error::machine(format!(
                "the worktree '{}' is at {} and not at {id}",
                self.path.display(),
                head.trim()
            )));
        }
        // The agent's git must see a clean worktree; it gets a copy of our index.
        let index = disk::read(&self.index)?;
        disk::replace_derived(&self.git_dir.join("index"), &index)
    }

    /// What `git checkout --detach` does to HEAD and to a merge that an agent left open, without a
    /// transaction of refs: that one locks `packed-refs`, and killed in that moment leaves a lock
    /// that nobody may remove.
    fn detach(&self, id: &str) -> Result<()> {
        for name in UNFINISHED {
            disk::remove_file(&self.git_dir.join(name))?;
        }
        for name in ["rebase-merge", "rebase-apply", "sequencer"] {
            disk::remove_dir_all(&self.git_dir.join(name))?;
        }
        let head = self.git_dir.join("HEAD");
        if disk::read_if_there(&head)?.is_some_and(|h| h.trim_ascii() == id.as_bytes()) {
            return Ok(());
        }
        disk::replace(&head, format!("{id}\n").as_bytes())
    }

    fn restore_dot_git(&self) -> Result<()> {
        let dot_git = self.path.join(".git");
        let intact = std::fs::symlink_metadata(&dot_git).is_ok_and(|m| m.is_file())
            && disk::read_if_there(&dot_git)?.as_deref() == Some(self.dot_git.as_bytes());
        if intact {
            return Ok(());
        }
        match std::fs::symlink_metadata(&dot_git) {
            Ok(m) if m.is_dir() => disk::remove_dir_all(&dot_git)?,
            Ok(_) => disk::remove_file(&dot_git)?,
            Err(_) => {}
        }
        disk::replace(&dot_git, self.dot_git.as_bytes())
    }

    /// The commit that HEAD of the worktree names; an agent may have moved it.
    pub fn head(&self) -> Result<String> {
        Ok(disk::read_text(&self.git_dir.join("HEAD"))?.trim().to_owned())
    }

    /// Whether this is still the folder that was leased: where a person removed it, somebody else
    /// may have a new one of the same name.
    pub fn is_ours(&self) -> bool {
        self.lease.is_still_at(&self.home.join("lease.lock")) && self.path.is_dir()
    }

    /// Gives the slot back: what it held is settled.
    pub fn release(self) -> Result<()> {
        if !self.lease.is_still_at(&self.home.join("lease.lock")) {
            return Ok(());
        }
        disk::remove_file(&self.home.join("owner.json"))
    }
}
