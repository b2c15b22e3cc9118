//! What of a repository a sandbox shows, so that `git log`, `git diff` and `git status` work in a
//! worktree: objects, refs, configuration, and that worktree's own git dir. Not shown are other
//! worktrees, reflogs, hooks, and Otto's own folder with its held-out scenarios.

use std::path::{Path, PathBuf};

use super::{Oid, Project, Worktree};
use crate::base::Result;
use crate::disk;
use crate::process::{Network, Sandbox, Tier};

/// Of the folder that all worktrees share (gitrepository-layout(5)).
const SHARED: [&str; 8] =
    ["HEAD", "config", "config.worktree", "info", "objects", "packed-refs", "refs", "shallow"];

/// What lies beside a worktree for whoever looks at it; gone when the next one comes.
pub(super) const BESIDE: &str = "beside";

/// What git reads in a worktree whose git dir this is.
fn readable(common: &Path, git_dir: &Path) -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> = SHARED.iter().map(|name| common.join(name)).collect();
    if git_dir != common {
        out.push(git_dir.to_owned());
    }
    out.extend(alternates(common));
    out.retain(|path| path.exists());
    out
}

/// Object folders elsewhere that the repository borrows from.
fn alternates(common: &Path) -> Vec<PathBuf> {
    let objects = common.join("objects");
    let text = std::fs::read_to_string(objects.join("info/alternates")).unwrap_or_default();
    let lines = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines.map(|line| objects.join(line)).collect()
}

impl Project {
    /// What git reads where this was discovered.
    pub fn readable(&self) -> Vec<PathBuf> {
        readable(&self.common_dir, &self.git_dir)
    }
}

impl Worktree {
    /// What git reads in it.
    pub fn readable(&self) -> Vec<PathBuf> {
        readable(&self.repo.project.common_dir, &self.git_dir)
    }

    /// The sandbox of who looks at this worktree and at what was put beside it, and changes neither.
    /// Nothing of the repository: what commits say is the word of those who made them.
    pub fn sandbox_to_look(&self, tier: Tier, network: Network, scratch: &Path) -> Result<Sandbox> {
        let (home, tmp) = (scratch.join("home"), scratch.join("tmp"));
        disk::place_dir(&home)?;
        disk::place_dir(&tmp)?;
        let pool = self.home.parent().map(Path::to_owned);
        Ok(Sandbox::new(tier, network, &home, &tmp)
            .show([self.path.clone(), self.beside()])
            .hide([self.repo.project.common_dir.clone()].into_iter().chain(pool)))
    }

    /// A folder beside the worktree for what whoever looks at it has to see.
    pub fn beside(&self) -> PathBuf {
        self.home.join(BESIDE)
    }

    /// Makes it the files of its commit and nothing else, until it is reset: a git that is called
    /// there finds no repository.
    pub fn without_git(&self) -> Result<()> {
        disk::remove_any(&self.path.join(".git"))
    }

    /// Paths in which it is not what the commit holds, as far as a commit can hold it.
    pub fn differs(&self, commit: Oid) -> Result<Vec<String>> {
        let mut out = Vec::new();
        if self.path.join(".git").symlink_metadata().is_ok() {
            out.push(".git".to_owned());
        }
        let held = self.repo.tree_of(commit)?;
        let found = self.snapshot(commit, &[])?;
        let changes = self.repo.changes(held, found.tree)?;
        out.extend(changes.into_iter().map(|c| c.path).chain(found.left_out));
        Ok(out)
    }

    /// The sandbox of what works here: this worktree, a home and a temporary folder in `scratch`,
    /// what git reads, and nothing of other worktrees.
    pub fn sandbox(&self, tier: Tier, network: Network, scratch: &Path) -> Result<Sandbox> {
        let (home, tmp) = (scratch.join("home"), scratch.join("tmp"));
        disk::place_dir(&home)?;
        disk::place_dir(&tmp)?;
        let pool = self.home.parent().map(Path::to_owned);
        Ok(Sandbox::new(tier, network, &home, &tmp)
            .read(self.readable())
            .own([self.path.clone()])
            .guard([self.path.join(".git")])
            .hide([self.repo.project.common_dir.join("otto")].into_iter().chain(pool)))
    }
}
