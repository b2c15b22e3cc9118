//! Whether what runs in a worktree changed tracked files, and how they come back.

use gix::index::entry::Stat;

use super::diff::EntryKind;
use super::listing::stat_at;
use super::pool::Worktree;
use super::repo::Oid;
use crate::base::Result;
use crate::disk;

/// How the files of a commit lay in a worktree at a moment.
#[derive(Debug)]
pub struct Tracked {
    commit: Oid,
    files: Vec<(String, EntryKind, Oid, Option<Stat>)>,
}

/// A larger file that was written to counts as changed.
const LARGEST: u64 = 256 << 20;

impl Tracked {
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|(path, ..)| path.as_str())
    }
}

impl Worktree {
    pub fn tracked(&self, commit: Oid) -> Result<Tracked> {
        let entries = self.repo.entries_of(commit)?.into_iter();
        let files = entries
            .map(|(path, kind, id)| {
                let stat = stat_at(&self.path.join(&path)).ok();
                (path, kind, id, stat)
            })
            .collect();
        Ok(Tracked { commit, files })
    }

    /// The tracked files that were touched since, and do not hold what their commit holds.
    pub fn changed_since(&self, then: &Tracked) -> Vec<String> {
        let differs = |(path, kind, id, stat): &&(String, EntryKind, Oid, Option<Stat>)| {
            let full = self.path.join(path);
            let touched = stat_at(&full).ok() != *stat;
            touched
                && match kind {
                    EntryKind::Gitlink => false,
                    EntryKind::Symlink => {
                        use std::os::unix::ffi::OsStrExt;
                        let target = std::fs::read_link(&full).ok();
                        target.map(|t| Oid::of_blob(t.as_os_str().as_bytes())) != Some(*id)
                    }
                    EntryKind::File | EntryKind::Executable => {
                        let bytes = disk::read_only_name_beneath(
                            &self.path,
                            std::path::Path::new(path),
                            LARGEST,
                        );
                        bytes.ok().map(|bytes| Oid::of_blob(&bytes)) != Some(*id)
                    }
                }
        };
        then.files.iter().filter(differs).map(|(path, ..)| path.clone()).collect()
    }

    /// Puts the tracked files back; the others stay.
    pub fn put_back(&self, then: &Tracked) -> Result<()> {
        self.refuse_damaged_index()?;
        let id = then.commit.to_string();
        self.git().run(&["read-tree", "--reset", "-u", &id]).map(drop)
    }
}
