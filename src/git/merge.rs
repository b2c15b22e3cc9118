//! Three-way merges in the object database. No worktree, no index, no ref is touched.

use serde::{Deserialize, Serialize};

use super::{Oid, Repo};
use crate::base::Result;
use crate::base::error::Context;
use crate::base::fault::{self, Effect};

/// The outcome of merging `theirs` into `ours`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merge {
    Clean {
        tree: Oid,
        /// `theirs` is in the history of `ours`, so nothing was to be merged.
        contained: bool,
    },
    Conflicted {
        conflicts: Vec<Conflict>,
    },
}

/// One path on which the sides disagree, with the three blobs where there are any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    pub path: String,
    /// What kind of disagreement, in words.
    pub reason: String,
    pub base: Option<Oid>,
    pub ours: Option<Oid>,
    pub theirs: Option<Oid>,
}

impl Repo {
    /// Merges two commits with git's rules (renames followed, the merge base found).
    pub fn merge(&self, ours: Oid, theirs: Oid) -> Result<Merge> {
        let repo = self.local();
        let broken = || format!("cannot merge {theirs} into {ours}");
        let how = gix::merge::tree::TreatAsUnresolved::git();
        let options =
            gix::merge::commit::Options::from(repo.tree_merge_options().or_machine(broken)?)
                .with_allow_missing_merge_base(true);
        let labels = gix::merge::blob::builtin_driver::text::Labels {
            ancestor: Some("base".into()),
            current: Some("integration".into()),
            other: Some("group".into()),
        };
        let merged = repo.merge_commits(ours.0, theirs.0, labels, options).or_machine(broken)?;
        let contained = merged.merge_bases.iter().flatten().any(|base| *base == theirs.0);
        let mut outcome = merged.tree_merge;
        if !outcome.has_unresolved_conflicts(how) {
            fault::before(Effect::Object, "tree").or_machine(broken)?;
            let tree = outcome.tree.write().or_machine(broken)?.detach();
            return Ok(Merge::Clean { tree: Oid(tree), contained });
        }
        let mut conflicts: Vec<Conflict> = outcome
            .conflicts
            .iter()
            .filter(|c| c.is_unresolved(how))
            .map(|c| {
                let [base, ours, theirs] = c.entries().map(|e| e.map(|e| Oid(e.id)));
                let reason = match &c.resolution {
                    Ok(_) => "both sides changed the same lines".to_owned(),
                    Err(failure) => format!("{failure:?}"),
                };
                Conflict {
                    path: c.ours.location().to_string(),
                    reason: crate::base::text::one_line(&reason, 80),
                    base,
                    ours,
                    theirs,
                }
            })
            .collect();
        conflicts.sort_by(|a, b| a.path.cmp(&b.path));
        conflicts.dedup();
        Ok(Merge::Conflicted { conflicts })
    }
}
