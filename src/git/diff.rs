//! Tree against tree, without rename detection: for ownership a rename is a deletion and an
//! addition, and both need an owner.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Git, Oid, Repo};
use crate::base::error::Context;
use crate::base::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// What a path is in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    File,
    Executable,
    Symlink,
    /// A submodule or an embedded repository.
    Gitlink,
}

/// One changed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// As text; what is not UTF-8 in it is replaced, so that it can be shown and not be opened.
    pub path: String,
    /// The bytes of a path that is not UTF-8: no spec can name it and no glob can own it.
    pub raw: Option<Vec<u8>>,
    pub kind: ChangeKind,
    pub old: Option<(EntryKind, Oid)>,
    pub new: Option<(EntryKind, Oid)>,
}

impl Change {
    /// The path as the file system knows it.
    pub fn file_path(&self) -> PathBuf {
        use std::os::unix::ffi::OsStringExt;
        match &self.raw {
            Some(raw) => OsString::from_vec(raw.clone()).into(),
            None => PathBuf::from(&self.path),
        }
    }

    pub fn involves(&self, kind: EntryKind) -> bool {
        [self.old, self.new].iter().flatten().any(|(k, _)| *k == kind)
    }
}

impl Repo {
    /// Changed files from one tree to another, by path.
    pub fn changes(&self, old: Oid, new: Oid) -> Result<Vec<Change>> {
        if old == new {
            return Ok(Vec::new());
        }
        let repo = self.local();
        let broken = || format!("cannot compare the trees {old} and {new}");
        let find = |id: Oid| repo.find_tree(id.0).or_machine(broken);
        let (old_tree, new_tree) = (find(old)?, find(new)?);
        let mut options = gix::diff::Options::default();
        options.track_path().track_rewrites(None);
        let diff = repo
            .diff_tree_to_tree(Some(&old_tree), Some(&new_tree), Some(options))
            .or_machine(broken)?;
        let mut out: Vec<Change> = Vec::with_capacity(diff.len());
        for change in diff {
            out.extend(convert(change)?);
        }
        out.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(out)
    }

    /// The patch between two trees, as `git diff --binary` prints it.
    pub fn patch(&self, old: Oid, new: Oid) -> Result<Vec<u8>> {
        let (old, new) = (old.to_string(), new.to_string());
        Git::new(&self.project.common_dir).run(&[
            "diff",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--no-renames",
            "--binary",
            "--full-index",
            // The user's diff.noprefix or diff.context would make a patch that does not apply.
            "--src-prefix=a/",
            "--dst-prefix=b/",
            "--unified=3",
            "--submodule=short",
            &old,
            &new,
            "--",
        ])
    }
}

fn kind_of(mode: gix::object::tree::EntryMode) -> Option<EntryKind> {
    use gix::object::tree::EntryKind as K;
    match mode.kind() {
        K::Tree => None,
        K::Blob => Some(EntryKind::File),
        K::BlobExecutable => Some(EntryKind::Executable),
        K::Link => Some(EntryKind::Symlink),
        K::Commit => Some(EntryKind::Gitlink),
    }
}

/// A change of a folder itself is no change of a file; a file that became a folder is a deletion.
fn convert(change: gix::object::tree::diff::ChangeDetached) -> Result<Option<Change>> {
    use gix::object::tree::diff::ChangeDetached as C;
    let made = match change {
        C::Addition { location, entry_mode, id, .. } => {
            kind_of(entry_mode).map(|k| (location, ChangeKind::Added, None, Some((k, Oid(id)))))
        }
        C::Deletion { location, entry_mode, id, .. } => {
            kind_of(entry_mode).map(|k| (location, ChangeKind::Deleted, Some((k, Oid(id))), None))
        }
        C::Modification { location, previous_entry_mode, previous_id, entry_mode, id } => {
            let old = kind_of(previous_entry_mode).map(|k| (k, Oid(previous_id)));
            let new = kind_of(entry_mode).map(|k| (k, Oid(id)));
            let kind = match (old.is_some(), new.is_some()) {
                (true, true) => ChangeKind::Modified,
                (true, false) => ChangeKind::Deleted,
                (false, _) => ChangeKind::Added,
            };
            (old.is_some() || new.is_some()).then_some((location, kind, old, new))
        }
        C::Rewrite { .. } => {
            return Err(Error::bug("a rename was reported although they are off"));
        }
    };
    Ok(made.map(|(location, kind, old, new)| {
        let (path, raw) = match String::from_utf8(location.into()) {
            Ok(path) => (path, None),
            Err(e) => {
                let raw = e.into_bytes();
                (String::from_utf8_lossy(&raw).into_owned(), Some(raw))
            }
        };
        Change { path, raw, kind, old, new }
    }))
}
