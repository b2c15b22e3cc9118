//! Resetting a pooled worktree without starting git: only what differs from the commit is written
//! or removed. Where anything is not plain (see [`super::plain`]) or not as expected, nothing has
//! been promised and git does it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::{Mode, Stat};

use super::folders::Folders;
use super::listing::{Listing, full, known, stat_at};
use super::plain::{is_plain_repo, is_plain_tree};
use super::{Oid, Worktree};
use crate::base::error::Context;
use crate::base::{Error, Result};
use crate::disk;

#[cfg(test)]
mod tests;

/// What a git dir of a linked worktree holds that says nothing about an operation in progress.
const QUIET: [&str; 9] = [
    "HEAD",
    "ORIG_HEAD",
    "FETCH_HEAD",
    "COMMIT_EDITMSG",
    "commondir",
    "gitdir",
    "index",
    "logs",
    "refs",
];

impl Worktree {
    /// True when the worktree holds exactly the commit now, ignored files gone, and our index and
    /// HEAD say so. False: git has to do it, from wherever this got to.
    pub(super) fn reset_plainly(&self, commit: Oid) -> Result<bool> {
        if !is_plain_repo(&self.repo) || !is_quiet(&self.git_dir)? {
            return Ok(false);
        }
        let Some(old) = open_index(&self.index) else { return Ok(false) };
        let repo = self.repo.local();
        let tree = self.repo.tree_of(commit)?;
        let Ok(mut target) = repo.index_from_tree(&tree.0) else { return Ok(false) };
        if !is_plain_tree(&target) {
            return Ok(false);
        }
        let folders = Folders::read(&self.folders, &old);
        let enter = &mut |dir: &BStr| target.path_is_directory(dir);
        let Ok(listing) = Listing::of(&self.path, &old, &folders, enter) else { return Ok(false) };
        let touched = match self.make_equal(&repo, &old, &mut target, &listing) {
            Ok(touched) => touched,
            Err(e) => {
                // A folder that may not be written in, say. git tries, and has the last word.
                tracing::debug!("{e}");
                return Ok(false);
            }
        };
        let mut bytes = Vec::new();
        let broken = || format!("cannot write the index of '{}'", self.path.display());
        let (_, checksum) = target.write_to(&mut bytes, Default::default()).or_machine(broken)?;
        disk::replace_derived(&self.index, &bytes)?;
        Folders::write(&self.folders, checksum, &old, &listing, &touched)?;
        disk::replace_derived(&self.git_dir.join("HEAD"), format!("{commit}\n").as_bytes())?;
        Ok(true)
    }

    /// Removes first, so that nothing is written through a link or below a file; then writes.
    /// Returns the folders in which it did.
    fn make_equal(
        &self,
        repo: &gix::Repository,
        old: &gix::index::File,
        target: &mut gix::index::File,
        listing: &Listing,
    ) -> Result<HashSet<BString>> {
        let mut touched = HashSet::new();
        let mut touch = |path: &BStr| {
            // A folder that is made or removed is a change of the one above it.
            let mut rest = path;
            loop {
                let at = rest.rfind_byte(b'/').unwrap_or_default();
                rest = rest[..at].as_bstr();
                if !touched.insert(rest.to_owned()) || rest.is_empty() {
                    break;
                }
            }
        };
        let mut stats: Vec<Option<Stat>> = vec![None; target.entries().len()];
        for dir in &listing.skipped {
            disk::remove_any(&full(&self.path, dir.as_bstr()))?;
            touch(dir.as_bstr());
        }
        for found in &listing.files {
            let at = target.entry_index_by_path(found.path.as_bstr()).ok();
            let wanted = at.map(|at| &target.entries()[at]);
            let kept = wanted.is_some_and(|entry| {
                Some(entry.mode) == found.mode && known(old, found) == Some(entry.id)
            });
            match at {
                Some(at) if kept => stats[at] = Some(found.stat),
                Some(_) | None => {
                    disk::remove_file(&full(&self.path, found.path.as_bstr()))?;
                    touch(found.path.as_bstr());
                }
            }
        }
        let missing: Vec<usize> = (0..stats.len()).filter(|at| stats[*at].is_none()).collect();
        for at in missing {
            let entry = &target.entries()[at];
            let path = full(&self.path, entry.path(target));
            self.write(repo, entry.id, entry.mode, &path)?;
            touch(entry.path(target));
            stats[at] = Some(stat_at(&path).map_err(|e| Error::file("read", &path, e))?);
        }
        for (entry, stat) in target.entries_mut().iter_mut().zip(stats) {
            entry.stat = stat.expect("because what was missing has been written");
        }
        Ok(touched)
    }

    /// What git does not see it does not clean away. A repository that was made in a folder of
    /// tracked files: its hooks and settings would wait for the next one here. A pipe, a socket or a
    /// device: whoever opens it may wait for ever.
    pub(super) fn remove_unseen(&self) -> Result<()> {
        self.remove_inside(true).map(drop)
    }

    /// Takes the `.git` of every repository inside, and returns their paths below the worktree.
    /// A git that stages the folder around one would start another one inside, which goes by the
    /// settings that it finds there, filter programs included.
    pub(super) fn remove_repositories(&self) -> Result<Vec<String>> {
        self.remove_inside(false)
    }

    fn remove_inside(&self, special_files: bool) -> Result<Vec<String>> {
        let mut removed = Vec::new();
        let mut walk = walkdir::WalkDir::new(&self.path).min_depth(1).into_iter();
        while let Some(entry) = walk.next() {
            // What cannot be listed is for git to clean away, or to complain about.
            let Ok(entry) = entry else { continue };
            let kind = entry.file_type();
            let is_special = !kind.is_dir() && !kind.is_file() && !kind.is_symlink();
            if special_files && is_special {
                disk::remove_file(entry.path())?;
                continue;
            }
            if !entry.file_name().eq_ignore_ascii_case(".git") {
                continue;
            }
            if kind.is_dir() {
                walk.skip_current_dir();
            }
            if entry.path() != self.path.join(".git") {
                disk::remove_any(entry.path())?;
                let below = entry.path().strip_prefix(&self.path).unwrap_or(entry.path());
                removed.push(below.to_string_lossy().into_owned());
            }
        }
        Ok(removed)
    }

    fn write(
        &self,
        repo: &gix::Repository,
        id: gix::ObjectId,
        mode: Mode,
        path: &Path,
    ) -> Result<()> {
        let blob = repo.find_blob(id).or_machine(|| format!("cannot read the blob {id}"))?;
        if let Some(dir) = path.parent().filter(|dir| !dir.is_dir()) {
            disk::place_dir(dir)?;
        }
        if mode == Mode::SYMLINK {
            let target: &BStr = blob.data.as_bstr();
            return disk::place_symlink(path, Path::new(OsStr::from_bytes(target)));
        }
        disk::place_file(path, &blob.data, mode == Mode::FILE_EXECUTABLE)
    }
}

/// No merge, rebase, bisect or the like is half done in it, and it has no settings of its own.
fn is_quiet(git_dir: &Path) -> Result<bool> {
    let fail = |e| Error::file("list", git_dir, e);
    for entry in std::fs::read_dir(git_dir).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        // A kill may leave a file of `disk::replace_derived` behind.
        let ours = disk::is_temporary(Path::new(&name));
        if !ours && !QUIET.iter().any(|known| name == *known) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An index that can be trusted to be what was written; `None` where it cannot be read.
pub(super) fn open_index(path: &Path) -> Option<gix::index::File> {
    gix::index::File::at(path, gix::hash::Kind::Sha1, false, Default::default()).ok()
}
