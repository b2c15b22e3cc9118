//! The user's checkout of the target: looked at before anything is announced, moved as one step.
//!
//! A path whose file is already what it is going to be is in nobody's way: either a killed landing
//! of ours got that far, or the user has the same file. Everything else that is in the way is named.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::base::{Error, Result};
use crate::disk;
use crate::git::diff::Change;
use crate::git::{Git, Oid};
use crate::stage::Context;

const HINT: &str =
    "nothing of yours was overwritten; commit, stash or move what is in the way, then land again";

/// A checkout that may go from `old` to `new`.
pub struct Checkout {
    git: Git,
    git_dir: PathBuf,
    place: PathBuf,
    old: Oid,
    new: Oid,
    /// Files that are new already, in an index that does not know it.
    early: Vec<OsString>,
}

impl Checkout {
    /// Looks, and changes nothing. Fails (1) with every path that is in the way.
    pub fn inspect(ctx: &Context<'_>, place: &Path, old: Oid, new: Oid) -> Result<Self> {
        let repo = &ctx.ws.repo;
        let git_dir = git_dir_of(ctx, place)?;
        let git = Git::new(&git_dir).worktree(place);
        refuse_locked(place, &git_dir)?;
        let coming = repo.changes(repo.tree_of(old)?, repo.tree_of(new)?)?;
        let status = git.read(&[
            "status",
            "--porcelain",
            "-z",
            "--no-renames",
            "--untracked-files=all",
            "--ignored=no",
        ])?;
        let staged =
            names(&git, &["diff-index", "--cached", "--name-only", "-z", &new.to_string()])?;
        let differs = differing(&git, &git_dir, place, new)?;
        let is_there = |c: &Change| match c.new {
            Some(_) => !differs.contains(&c.path),
            None => !is_file(&place.join(c.file_path())),
        };
        let (mut changed, mut untracked) = (Vec::new(), BTreeSet::new());
        let mut in_index = BTreeSet::new();
        for field in status.split('\0').filter(|f| f.len() > 3) {
            let (code, path) = field.split_at(3);
            if code.starts_with("??") {
                untracked.insert(path);
                continue;
            }
            let ours = coming.iter().any(|c| c.path == path && is_there(c));
            if !code.starts_with(' ') {
                in_index.insert(path);
            }
            // What is staged has to be what comes, too.
            if !ours || (!code.starts_with(' ') && staged.contains(path)) {
                changed.push(path);
            }
        }
        let in_the_way: Vec<&str> = coming
            .iter()
            .filter(|c| c.old.is_none() && !is_there(c))
            .filter(|c| place.join(c.file_path()).symlink_metadata().is_ok())
            .map(|c| c.path.as_str())
            .filter(|path| !changed.contains(path))
            .collect();
        if !changed.is_empty() || !in_the_way.is_empty() {
            let mut text = format!("the checkout '{}' is not clean:", place.display());
            for path in &changed {
                text.push_str(&format!("\n  changed: {path}"));
            }
            for path in in_the_way {
                let kind = if untracked.contains(path) { "untracked" } else { "ignored" };
                text.push_str(&format!("\n  {kind} and would be overwritten: {path}"));
            }
            return Err(Error::no(text).hint(HINT));
        }
        let early = coming
            .iter()
            .filter(|c| is_there(c) && staged.contains(&c.path) && !in_index.contains(&*c.path))
            .map(|c| c.file_path().into_os_string())
            .collect();
        Ok(Self { git, git_dir, place: place.to_owned(), old, new, early })
    }

    /// Makes the index ready and lets git say (1) what it would refuse, before anything is
    /// announced: a file where a folder has to come, say. No file is touched.
    pub fn rehearse(&self) -> Result<()> {
        self.refresh()?;
        self.read_tree(&["-n"], self.old, self.new)
    }

    fn refresh(&self) -> Result<()> {
        // A file that was only touched differs for git until its index is refreshed. The answer
        // is about files that really differ, and those are named below.
        self.git.answer(&["update-index", "-q", "--refresh"])?;
        for some in self.early.chunks(100) {
            let mut args: Vec<OsString> =
                ["update-index", "--add", "--remove", "--"].map(OsString::from).to_vec();
            args.extend(some.iter().cloned());
            // What git does not take is refused by name when the trees are read.
            self.git.answer(&args)?;
        }
        Ok(())
    }

    /// Updates files and index. A two-tree update keeps local changes and refuses what it would
    /// overwrite (git-read-tree(1)).
    pub fn update(&self) -> Result<()> {
        self.read_tree(&[], self.old, self.new)
    }

    /// Brings what a killed update left back to `old`.
    pub fn take_back(&self) -> Result<()> {
        self.refresh()?;
        self.read_tree(&[], self.new, self.old)
    }

    fn read_tree(&self, more: &[&str], from: Oid, to: Oid) -> Result<()> {
        let (old, new) = (from.to_string(), to.to_string());
        let args = [&["read-tree", "-m", "-u"], more, &[&old, &new]].concat();
        let answer = self.git.answer(&args)?;
        if answer.code == 0 {
            return Ok(());
        }
        refuse_locked(&self.place, &self.git_dir)?;
        let what = format!("the checkout '{}' cannot be updated", self.place.display());
        Err(Error::no(what).because(answer.stderr).hint(HINT))
    }
}

/// 75 while somebody's git works on the index of the checkout, or was killed over it.
fn refuse_locked(place: &Path, git_dir: &Path) -> Result<()> {
    let lock = git_dir.join("index.lock");
    match lock.exists() {
        true => Err(crate::git::locked(&format!("the checkout '{}'", place.display()), &lock)),
        false => Ok(()),
    }
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|m| !m.is_dir())
}

/// Paths, NUL-terminated in the answer.
fn names(git: &Git, args: &[&str]) -> Result<BTreeSet<String>> {
    let text = git.read(args)?;
    Ok(text.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// Paths of `tree` whose files in the checkout are different or absent, as git compares them
/// (filters, line ends, modes). Uses a copy of the index, for what it knows about the files.
fn differing(git: &Git, git_dir: &Path, place: &Path, tree: Oid) -> Result<BTreeSet<String>> {
    let dir = disk::new_temp_dir("otto-land-")?;
    let index = dir.join("index");
    let look = || {
        if let Some(bytes) = disk::read_if_there(&git_dir.join("index"))? {
            disk::replace(&index, &bytes)?;
        }
        let git = git.clone().worktree(place).index(&index);
        git.run(&["read-tree", "--reset", &tree.to_string()])?;
        // Exit 1 only says that something differs.
        git.answer(&["update-index", "-q", "--refresh"])?;
        names(&git, &["diff-files", "--name-only", "-z"])
    };
    let found = look();
    disk::remove_dir_all(&dir)?;
    found
}

fn git_dir_of(ctx: &Context<'_>, place: &Path) -> Result<PathBuf> {
    let common = &ctx.ws.repo.project.common_dir;
    if place == ctx.ws.root() {
        return Ok(common.clone());
    }
    let dot_git = disk::read_text(&place.join(".git"))?;
    let dir = dot_git.trim().strip_prefix("gitdir: ").unwrap_or_default();
    Ok(place.join(dir))
}
