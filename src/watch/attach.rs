//! A copy of what a group's agent works on, to look around in. The agent's worktree is only read:
//! whatever a person does, breaks or leaves behind is in a copy that nobody builds on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::{Error, Result};
use crate::disk::lock::{self, Lease};
use crate::disk::{self, Held};
use crate::git::pool::Owner;
use crate::git::{Oid, Place};
use crate::session::state::State;
use crate::session::{Session, Workspace};

/// Of folders that are made here, and swept here when whoever made them was killed.
const PREFIX: &str = "otto-attach-";
/// A copy that is this young may not be locked yet.
const YOUNG: Duration = Duration::from_secs(60);

/// What the copy is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// The files as they lay there, with what was not committed.
    Worktree { attempt: u32, start: Oid, is_at_work: bool },
    /// What an attempt handed in.
    Commit { attempt: u32, commit: Oid },
}

/// A read-only copy in a folder of its own.
#[derive(Debug)]
pub struct Copied {
    pub dir: PathBuf,
    pub of: Of,
    home: PathBuf,
    lease: Held<Lease>,
}

/// Whether ignored files (what was installed and built) are copied too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    LeftOut,
    Too,
}

/// Copies the worktree of the group's running attempt, or the newest commit of its attempts.
pub fn copy(ws: &Workspace, session: &Session, group: &str, ignored: Ignored) -> Result<Copied> {
    super::require_groups(session, &[group.to_owned()])?;
    sweep();
    let state = session.state()?;
    let home = disk::new_temp_dir(PREFIX)?;
    let made = fill(ws, session, &state, group, ignored, &home);
    if made.is_err() {
        // That it failed is what is said.
        drop(disk::remove_dir_all(&home));
    }
    made
}

fn fill(
    ws: &Workspace,
    session: &Session,
    state: &State,
    group: &str,
    ignored: Ignored,
    home: &Path,
) -> Result<Copied> {
    let lease =
        lock::try_hold::<Lease>(&home.join("lease.lock"))?.map_err(lock::Busy::into_error)?;
    let dir = home.join(ws.repo.project.name());
    disk::place_dir(&dir)?;
    let live = copy_live(ws, session, state, group, ignored, &dir)?;
    let of = match live {
        Some(of) => of,
        None => {
            let (attempt, commit) = last_commit(state, session, group)?;
            let index = home.join("index");
            ws.repo.files_into(commit, &dir, &index, &session.config.git_filters)?;
            disk::remove_file(&index)?;
            Of::Commit { attempt, commit }
        }
    };
    disk::make_read_only(&dir)?;
    Ok(Copied { dir, of, home: home.to_owned(), lease })
}

/// `None` where no attempt is open, or its worktree was given back while it was copied.
fn copy_live(
    ws: &Workspace,
    session: &Session,
    state: &State,
    group: &str,
    ignored: Ignored,
    dir: &Path,
) -> Result<Option<Of>> {
    let Some(open) = state.group(group).and_then(|g| g.open_attempt()) else { return Ok(None) };
    let owner =
        Owner { session: session.id.to_string(), group: group.to_owned(), attempt: open.number };
    let Some(place) = ws.pool(&session.config)?.place_of(&owner)? else { return Ok(None) };
    copy_place(&place, ignored, dir)?;
    if !place.is_still_there()? {
        disk::remove_dir_all(dir)?;
        disk::place_dir(dir)?;
        return Ok(None);
    }
    let holder = lock::holder::<lock::Group>(&ws.layout.group_lock(&session.id, group))?;
    let (attempt, start) = (open.number, open.start);
    Ok(Some(Of::Worktree { attempt, start, is_at_work: holder.is_some() }))
}

fn copy_place(place: &Place, ignored: Ignored, dir: &Path) -> Result<()> {
    let mut left_out: BTreeSet<PathBuf> = match ignored {
        Ignored::LeftOut => place.ignored()?.into_iter().collect(),
        Ignored::Too => BTreeSet::new(),
    };
    // What makes it a worktree: git in the copy must not work on the agent's.
    left_out.insert(".git".into());
    disk::copy_below(&place.path, dir, &|path| left_out.contains(path)).map(drop)
}

fn last_commit(state: &State, session: &Session, group: &str) -> Result<(u32, Oid)> {
    let attempts = state.group(group).map(|g| g.attempts.as_slice()).unwrap_or_default();
    let made = |a: &crate::session::state::Attempt| Some((a.number, a.finished.as_ref()?.commit?));
    attempts.iter().rev().find_map(made).ok_or_else(|| {
        Error::no(format!(
            "group '{group}' has no work yet: no attempt runs, and none has committed"
        ))
        .hint(format!("see what happened: otto log {} --group {group}", session.id))
    })
}

impl Copied {
    /// What it is, in a sentence.
    pub fn told(&self, group: &str) -> String {
        match &self.of {
            Of::Worktree { attempt, start, is_at_work } => {
                let state =
                    if *is_at_work { "at work now" } else { "unfinished, nobody works on it" };
                format!(
                    "a copy, read-only, of the worktree of {group}, attempt {attempt} ({state}), from {} and what was not committed",
                    start.short()
                )
            }
            Of::Commit { attempt, commit } => format!(
                "a copy, read-only, of {}, the commit of {group}, attempt {attempt}; no attempt runs",
                commit.short()
            ),
        }
    }

    /// Removes it.
    pub fn remove(self) -> Result<()> {
        disk::remove_dir_all(&self.home)
    }

    /// Leaves it to the person.
    pub fn keep(self) -> Result<PathBuf> {
        // Without the lock it is nobody's to sweep.
        for name in ["lease.lock", "lease.holder"] {
            disk::remove_file(&self.home.join(name))?;
        }
        drop(self.lease);
        Ok(self.dir)
    }
}

/// Removes copies whose makers were killed. Nothing depends on it.
fn sweep() {
    let temp = std::env::temp_dir();
    for name in disk::subdirs(&temp).unwrap_or_default() {
        let home = temp.join(&name);
        let lease = home.join("lease.lock");
        if !name.starts_with(PREFIX) || !is_old(&lease) {
            continue;
        }
        if let Ok(Ok(_nobody)) = lock::try_hold::<Lease>(&lease) {
            drop(disk::remove_dir_all(&home));
        }
    }
}

fn is_old(path: &Path) -> bool {
    let written = path.metadata().and_then(|m| m.modified());
    written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > YOUNG))
}
