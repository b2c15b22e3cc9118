//! Staging a pooled worktree without starting git: files that the index vouches for keep their
//! object, the others are written as blobs, and the tree is edited where it differs. Only for what
//! is plain (see [`super::plain`]); the rest is left to git, and so is everything ignored.

use std::os::unix::ffi::OsStrExt;

use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::Mode;
use gix::objs::tree::EntryKind;

use super::folders::Folders;
use super::listing::{Found, Listing, full, known};
use super::plain::{is_plain_repo, is_plain_tree};
use super::reset::open_index;
use super::snapshot::Snapshot;
use super::{Oid, Worktree};
use crate::base::error::Context;
use crate::base::{Error, Result};
use crate::disk;

/// A larger file is streamed by git.
const LARGE: u64 = 64 << 20;

impl Worktree {
    /// The snapshot, or `None` where git has to make it. `excluded` are lines of gitignore(5).
    pub(super) fn snapshot_plainly(&self, base: Oid, excluded: &str) -> Result<Option<Snapshot>> {
        if !is_plain_repo(&self.repo) {
            return Ok(None);
        }
        let Some(index) = open_index(&self.index) else { return Ok(None) };
        let repo = self.repo.local();
        let base_tree = self.repo.tree_of(base)?;
        let Ok(before) = repo.index_from_tree(&base_tree.0) else { return Ok(None) };
        if !is_plain_tree(&before) || !is_plain_tree(&index) {
            return Ok(None);
        }
        let folders = Folders::read(&self.folders, &index);
        let listing = Listing::of(&self.path, &index, &folders, &mut |_| true);
        let Ok(listing) = listing else { return Ok(None) };
        if !self.is_simple(&index, &listing, excluded)? {
            return Ok(None);
        }
        let broken = || format!("cannot write the tree of '{}'", self.path.display());
        let tree = repo.find_tree(base_tree.0).or_machine(broken)?;
        let mut editor = tree.edit().or_machine(broken)?;
        // Removals first: a folder may take the place of a file, and the other way round.
        for entry in before.entries() {
            let path = entry.path(&before);
            if listing.files.binary_search_by(|f| f.path.as_bstr().cmp(path)).is_err() {
                editor.remove(path).or_machine(broken)?;
            }
        }
        for found in &listing.files {
            let (Some(mode), path) = (found.mode, found.path.as_bstr()) else { continue };
            let id = match known(&index, found) {
                Some(id) => id,
                None => self.store(&repo, found, mode)?,
            };
            let same = before.entry_by_path(path).is_some_and(|e| e.id == id && e.mode == mode);
            if !same {
                editor.upsert(path, kind_of(mode), id).or_machine(broken)?;
            }
        }
        let tree = Oid(editor.write().or_machine(broken)?.detach());
        Ok(Some(Snapshot { tree, left_out: Vec::new() }))
    }

    fn store(&self, repo: &gix::Repository, found: &Found, mode: Mode) -> Result<gix::ObjectId> {
        let path = full(&self.path, found.path.as_bstr());
        let bytes = if mode == Mode::SYMLINK {
            let target = std::fs::read_link(&path).map_err(|e| Error::file("read", &path, e))?;
            target.as_os_str().as_bytes().to_vec()
        } else {
            disk::read(&path)?
        };
        let id = repo.write_blob(bytes).or_machine(|| "cannot write a blob".into())?;
        Ok(id.detach())
    }

    /// No repository inside, nothing that is neither file nor link, nothing large, and nothing that
    /// is not tracked is ignored.
    fn is_simple(
        &self,
        index: &gix::index::State,
        listing: &Listing,
        excluded: &str,
    ) -> Result<bool> {
        let plain = |f: &Found| f.mode.is_some() && f.size <= LARGE;
        let nested = |path: &BStr| {
            let name = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
            name.eq_ignore_ascii_case(b".git")
        };
        let dirs = listing.dirs.iter().map(|(path, _)| path);
        let inside = listing.files.iter().map(|f| &f.path).chain(dirs);
        if !listing.files.iter().all(plain) || inside.into_iter().any(|p| nested(p.as_bstr())) {
            return Ok(false);
        }
        let new: Vec<&BString> = listing
            .files
            .iter()
            .map(|f| &f.path)
            .filter(|p| index.entry_by_path(p.as_bstr()).is_none())
            .collect();
        if new.is_empty() {
            return Ok(true);
        }
        let rules = self.ignore_rules(listing, excluded)?;
        Ok(!new.into_iter().any(|path| is_ignored(&rules, path.as_bstr())))
    }

    /// From the weakest to the strongest: what the caller gave, `info/exclude`, then the
    /// `.gitignore` of each folder, outermost first.
    fn ignore_rules(&self, listing: &Listing, excluded: &str) -> Result<gix::ignore::Search> {
        let mut rules = gix::ignore::Search::default();
        let mut add = |bytes: &[u8], from: &std::path::Path, root| {
            let parse = gix::ignore::search::Ignore::default();
            rules
                .add_patterns_buffer(bytes, from, root, parse)
                .map_err(|e| Error::file("read", from, e))
        };
        add(excluded.as_bytes(), &self.excludes, None)?;
        let shared = self.repo.project.common_dir.join("info/exclude");
        if let Some(bytes) = disk::read_if_there(&shared)? {
            add(&bytes, &shared, None)?;
        }
        let mut files: Vec<&Found> = listing
            .files
            .iter()
            .filter(|f| f.path == ".gitignore" || f.path.ends_with(b"/.gitignore"))
            // git does not follow a link here.
            .filter(|f| f.mode != Some(Mode::SYMLINK))
            .collect();
        files.sort_by_key(|f| f.path.iter().filter(|b| **b == b'/').count());
        for found in files {
            let path = full(&self.path, found.path.as_bstr());
            add(&disk::read(&path)?, &path, Some(self.path.as_path()))?;
        }
        Ok(rules)
    }
}

/// The path itself, or a folder above it: what is in an ignored folder cannot be taken in again.
fn is_ignored(rules: &gix::ignore::Search, path: &BStr) -> bool {
    let ends = path.find_iter("/").map(|at| (at, true)).chain([(path.len(), false)]);
    ends.into_iter().any(|(end, is_dir)| {
        let case = gix::glob::pattern::Case::Sensitive;
        rules
            .pattern_matching_relative_path(path[..end].as_bstr(), Some(is_dir), case)
            .is_some_and(|found| !found.pattern.is_negative())
    })
}

fn kind_of(mode: Mode) -> EntryKind {
    match mode {
        Mode::SYMLINK => EntryKind::Link,
        Mode::FILE_EXECUTABLE => EntryKind::BlobExecutable,
        _ => EntryKind::Blob,
    }
}
