//! Looking at work without taking it: a worktree that somebody else has, and a commit as files in a
//! folder of their own.

use std::path::{Path, PathBuf};

use super::pool::{Owner, Pool, read_owner, read_slot};
use super::{Git, Oid, Repo};
use crate::base::{Error, Result};
use crate::disk;

/// Where an owner's unfinished work lies. No lease: it may be reset at any moment.
#[derive(Debug, Clone)]
pub struct Place {
    pub path: PathBuf,
    home: PathBuf,
    git_dir: PathBuf,
    owner: Owner,
}

impl Pool {
    /// The slot that this owner's work is in.
    pub fn place_of(&self, wanted: &Owner) -> Result<Option<Place>> {
        for slot in disk::subdirs(&self.dir)? {
            let home = self.dir.join(&slot);
            // One that cannot be read is for whoever works on it to say.
            if read_owner(&home).ok().flatten().as_ref() != Some(wanted) {
                continue;
            }
            let path = home.join(self.repo.project.name());
            if let Some(slot) = read_slot(&home)?.filter(|_| path.is_dir()) {
                let owner = wanted.clone();
                return Ok(Some(Place { path, home, git_dir: slot.git_dir, owner }));
            }
        }
        Ok(None)
    }
}

impl Place {
    /// Whether it still holds what it held.
    pub fn is_still_there(&self) -> Result<bool> {
        Ok(read_owner(&self.home)?.as_ref() == Some(&self.owner))
    }

    /// Paths that are ignored, folders as a whole.
    pub fn ignored(&self) -> Result<Vec<PathBuf>> {
        let git = Git::new(&self.git_dir).worktree(&self.path).index(&self.home.join("index"));
        // Path::components leaves out a `/` at the end.
        Ok(git.ignored()?.iter().map(|p| Path::new(p).components().collect()).collect())
    }
}

impl Repo {
    /// Whether a file of the commit holds the text, upper and lower case alike.
    pub fn mentions(&self, commit: Oid, text: &str) -> Result<bool> {
        let commit = commit.to_string();
        let args = ["grep", "--quiet", "-I", "-i", "-F", "-e", text, &commit, "--"];
        let found = Git::new(&self.project.common_dir).answer(&args)?;
        match found.code {
            0 => Ok(true),
            1 => Ok(false),
            code => {
                let what = format!("git grep in {commit} ended with {code}");
                Err(Error::machine(what).because(found.stderr))
            }
        }
    }

    /// The files of a commit in `dir`, which must be empty. `index` is a file of the caller's to
    /// use. Of filter drivers only the `filters` run; submodules are empty folders.
    pub fn files_into(
        &self,
        commit: Oid,
        dir: &Path,
        index: &Path,
        filters: &[String],
    ) -> Result<()> {
        let git = Git::new(&self.project.common_dir).worktree(dir).index(index);
        let git = super::snapshot::without_filters(git, self, filters)
            .config("core.sparseCheckout=false".into())
            .config("core.bare=false".into());
        git.run(&["read-tree", "--reset", "-u", &commit.to_string()]).map(drop)
    }
}
