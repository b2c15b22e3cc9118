//! Notes: texts beside commits, as `git notes` keeps them (git-notes(1)). A notes ref names a commit
//! whose tree has a blob for each annotated commit, under its id, perhaps split by slashes.

use std::collections::BTreeMap;

use gix::objs::tree::EntryKind as Mode;
use jiff::Timestamp;

use super::diff::EntryKind;
use super::refs::Expect;
use super::{NewCommit, Oid, RefUpdate, Repo};
use crate::base::Result;
use crate::base::error::Context;
use crate::disk::Held;
use crate::disk::lock::Refs;

/// Somebody who does not take our lock may come between the look and the update so often.
const TRIES: usize = 20;

/// Where the note of a commit is in a tree of notes.
struct Place {
    path: String,
    blob: Oid,
}

impl Repo {
    /// The note of each of these commits, where it has one.
    pub fn notes(&self, name: &str, commits: &[Oid]) -> Result<BTreeMap<Oid, Vec<u8>>> {
        let Some(tip) = self.read_ref(name)? else { return Ok(BTreeMap::new()) };
        let places = self.places(tip)?;
        let mut out = BTreeMap::new();
        for commit in commits {
            if let Some(place) = places.get(commit) {
                out.insert(*commit, self.blob(place.blob)?);
            }
        }
        Ok(out)
    }

    fn places(&self, tip: Oid) -> Result<BTreeMap<Oid, Place>> {
        let blobs = self.entries_of(tip)?.into_iter();
        let blobs = blobs.filter(|(_, kind, _)| *kind == EntryKind::File);
        Ok(blobs
            .filter_map(|(path, _, blob)| {
                let commit = path.replace('/', "").parse().ok()?;
                Some((commit, Place { path, blob }))
            })
            .collect())
    }

    /// Gives commits these notes; the notes of all others stay. `false` where nothing is to be
    /// changed. The ref moves by compare-and-swap, from what was read under the lock.
    pub fn write_notes(
        &self,
        held: &Held<Refs>,
        name: &str,
        notes: &BTreeMap<Oid, String>,
        at: Timestamp,
    ) -> Result<bool> {
        let broken = || format!("cannot write the notes '{name}'");
        for _ in 0..TRIES {
            let tip = self.read_ref(name)?;
            let places = tip.map(|tip| self.places(tip)).transpose()?.unwrap_or_default();
            let repo = self.local();
            let before = match tip {
                Some(tip) => self.tree_of(tip)?.0,
                None => repo.empty_tree().id,
            };
            let mut editor = repo.edit_tree(before).or_machine(broken)?;
            for (commit, text) in notes {
                let path =
                    places.get(commit).map_or_else(|| commit.to_string(), |p| p.path.clone());
                let blob = self.write_blob(text.as_bytes())?;
                editor.upsert(path, Mode::Blob, blob.0).or_machine(broken)?;
            }
            let tree = Oid(editor.write().or_machine(broken)?.detach());
            if tree.0 == before {
                return Ok(false);
            }
            let parents: Vec<Oid> = tip.into_iter().collect();
            let message = "Notes added by Otto\n";
            let commit = self.write_commit(&NewCommit { tree, parents: &parents, message, at })?;
            // A ref that outlives its object breaks every reader of the repository.
            crate::disk::syncfs(&self.project.common_dir)?;
            let update = RefUpdate {
                name: name.to_owned(),
                expect: Expect::from_option(tip),
                new: Some(commit),
                message: "otto: notes".to_owned(),
            };
            if self.update_refs(held, &[update])?.is_ok() {
                return Ok(true);
            }
        }
        Err(crate::base::Error::later(format!("'{name}' moves all the time"), None)
            .hint("another program writes these notes; try again"))
    }
}
