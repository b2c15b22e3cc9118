//! Commits: made by this process, with dates that the caller gives, so that doing it again gives
//! the same id.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::diff::EntryKind;
use super::{Oid, Repo};
use crate::base::error::Context;
use crate::base::fault::{self, Effect};
use crate::base::{Error, Result};

/// Author and committer of everything that Otto commits.
pub const NAME: &str = "Otto";
pub const EMAIL: &str = "otto@localhost";

/// What a new commit is made of.
#[derive(Debug, Clone)]
pub struct NewCommit<'a> {
    pub tree: Oid,
    pub parents: &'a [Oid],
    pub message: &'a str,
    /// Cut to seconds.
    pub at: Timestamp,
}

/// What an existing commit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    pub id: Oid,
    pub tree: Oid,
    pub parents: Vec<Oid>,
    pub message: String,
    pub author: String,
    /// Committer time.
    pub at: Timestamp,
}

impl CommitInfo {
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or("")
    }

    /// The value of a trailer line `Key: value` in the last paragraph.
    pub fn trailer(&self, key: &str) -> Option<&str> {
        let last = self.message.trim_end().rsplit("\n\n").next()?;
        last.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(": ")).map(str::trim)
    }
}

impl Repo {
    pub fn write_commit(&self, new: &NewCommit<'_>) -> Result<Oid> {
        let repo = self.local();
        let time = format!("{} +0000", new.at.as_second());
        let who = gix::actor::SignatureRef { name: NAME.into(), email: EMAIL.into(), time: &time };
        let parents = new.parents.iter().map(|p| p.0);
        fault::before(Effect::Object, "commit").or_machine(|| "cannot write a commit".into())?;
        let commit = repo
            .new_commit_as(who, who, new.message, new.tree.0, parents)
            .or_machine(|| "cannot write a commit".into())?;
        Ok(Oid(commit.id))
    }

    /// The tree `into` with these paths as they are in the tree `from`; what `from` has not goes.
    pub fn with_paths_of(&self, into: Oid, from: Oid, paths: &[String]) -> Result<Oid> {
        let repo = self.local();
        let broken = || format!("cannot write a tree from {into}");
        let source = repo.find_tree(from.0).or_machine(broken)?;
        let mut editor = repo.edit_tree(into.0).or_machine(broken)?;
        for path in paths {
            match source.lookup_entry_by_path(path).or_machine(broken)? {
                Some(entry) => {
                    editor
                        .upsert(path, entry.mode().kind(), entry.object_id())
                        .or_machine(broken)?;
                }
                None => drop(editor.remove(path).or_machine(broken)?),
            }
        }
        fault::before(Effect::Object, "tree").or_machine(broken)?;
        Ok(Oid(editor.write().or_machine(broken)?.detach()))
    }

    /// A commit without parents that holds these files, each with the same content, and nothing
    /// else. The same files make the same commit.
    pub fn commit_of(&self, paths: &[String], content: &[u8]) -> Result<Oid> {
        let broken = || "cannot write a tree".to_owned();
        let repo = self.local();
        let empty = repo.empty_tree();
        let mut tree = Oid(empty.id);
        if !paths.is_empty() {
            let blob = self.write_blob(content)?;
            let mut editor = empty.edit().or_machine(broken)?;
            for path in paths {
                let kind = gix::objs::tree::EntryKind::Blob;
                editor.upsert(path.as_str(), kind, blob.0).or_machine(broken)?;
            }
            fault::before(Effect::Object, "tree").or_machine(broken)?;
            tree = Oid(editor.write().or_machine(broken)?.detach());
        }
        let at = Timestamp::UNIX_EPOCH;
        self.write_commit(&NewCommit { tree, parents: &[], message: "control\n", at })
    }

    pub fn commit(&self, id: Oid) -> Result<CommitInfo> {
        let repo = self.local();
        let broken = || format!("cannot read the commit {id}");
        let commit = repo.find_commit(id.0).or_machine(broken)?;
        let tree = commit.tree_id().or_machine(broken)?.detach();
        let seconds = commit.time().or_machine(broken)?.seconds;
        let author = commit.author().or_machine(broken)?;
        Ok(CommitInfo {
            id,
            tree: Oid(tree),
            parents: commit.parent_ids().map(|p| Oid(p.detach())).collect(),
            message: commit.message_raw_sloppy().to_string(),
            author: author.name.to_string(),
            at: Timestamp::from_second(seconds).map_err(|e| Error::input(broken()).because(e))?,
        })
    }

    pub fn write_blob(&self, bytes: &[u8]) -> Result<Oid> {
        let repo = self.local();
        fault::before(Effect::Object, "blob").or_machine(|| "cannot write a blob".into())?;
        let id = repo.write_blob(bytes).or_machine(|| "cannot write a blob".into())?;
        Ok(Oid(id.detach()))
    }

    pub fn has_object(&self, id: Oid) -> bool {
        self.local().has_object(id.0)
    }

    pub fn tree_of(&self, commit: Oid) -> Result<Oid> {
        let repo = self.local();
        let commit =
            repo.find_commit(commit.0).or_machine(|| format!("cannot read the commit {commit}"))?;
        Ok(Oid(commit.tree_id().or_machine(|| "cannot read a tree".into())?.detach()))
    }

    /// Whether everything in `old` is in `new`'s history.
    pub fn is_ancestor(&self, old: Oid, new: Oid) -> Result<bool> {
        if old == new {
            return Ok(true);
        }
        Ok(self.merge_base(old, new)? == Some(old))
    }

    /// The commits that can be reached from `tips` and not from `hidden`. Tips whose object is gone
    /// hold nothing.
    pub fn reachable(&self, tips: &[Oid], hidden: &[Oid]) -> Result<BTreeSet<Oid>> {
        let repo = self.local();
        let broken = || "cannot walk the history".to_owned();
        let tips: Vec<_> = tips.iter().map(|t| t.0).filter(|t| repo.has_object(*t)).collect();
        let hidden = hidden.iter().map(|h| h.0);
        let walk = repo.rev_walk(tips).with_hidden(hidden).all().or_machine(broken)?;
        walk.map(|step| Ok(Oid(step.or_machine(broken)?.id))).collect()
    }

    pub fn merge_base(&self, a: Oid, b: Oid) -> Result<Option<Oid>> {
        let repo = self.local();
        match repo.merge_base(a.0, b.0) {
            Ok(id) => Ok(id.map(|id| Oid(id.detach()))),
            Err(e) => Err(Error::machine(format!("cannot find the merge base of {a} and {b}"))
                .because(e.to_string())),
        }
    }

    /// A file of a commit's tree; `None` if it has none of that name.
    pub fn file_at(&self, commit: Oid, path: &str) -> Result<Option<Vec<u8>>> {
        let repo = self.local();
        let broken = || format!("cannot read '{path}' at {commit}");
        let tree = repo.find_commit(commit.0).or_machine(broken)?.tree().or_machine(broken)?;
        let Some(entry) = tree.lookup_entry_by_path(path).or_machine(broken)? else {
            return Ok(None);
        };
        if !entry.mode().is_blob() {
            return Ok(None);
        }
        Ok(Some(entry.object().or_machine(broken)?.data.clone()))
    }

    /// The target of a symbolic link in a commit's tree; `None` if there is none of that name.
    pub fn link_at(&self, commit: Oid, path: &str) -> Result<Option<String>> {
        let repo = self.local();
        let broken = || format!("cannot read '{path}' at {commit}");
        let tree = repo.find_commit(commit.0).or_machine(broken)?.tree().or_machine(broken)?;
        let Some(entry) = tree.lookup_entry_by_path(path).or_machine(broken)? else {
            return Ok(None);
        };
        if !entry.mode().is_link() {
            return Ok(None);
        }
        let object = entry.object().or_machine(broken)?;
        Ok(Some(String::from_utf8_lossy(&object.data).into_owned()))
    }

    /// A path of a tree that a new file at `path` would be the same as, but for upper and lower
    /// case: where the file system does not tell them apart, one hides the other.
    pub fn same_but_case(&self, tree: Oid, path: &str) -> Result<Option<String>> {
        let repo = self.local();
        let broken = || format!("cannot read the tree {tree}");
        let (mut at, mut above) = (tree.0, String::new());
        for part in path.split('/') {
            let here = repo.find_tree(at).or_machine(broken)?;
            let (mut exact, mut other) = (None, None);
            for entry in here.iter() {
                let entry = entry.or_machine(broken)?;
                let name = entry.filename().to_string();
                if name == part {
                    exact = Some((entry.mode().is_tree(), entry.oid().to_owned()));
                } else if is_same_but_case(&name, part) {
                    other = Some(name);
                }
            }
            match (exact, other) {
                (Some((true, id)), _) => at = id,
                (None, Some(name)) => return Ok(Some(format!("{above}{name}"))),
                (Some((false, _)), _) | (None, None) => break,
            }
            above = format!("{above}{part}/");
        }
        Ok(None)
    }

    /// A blob's bytes.
    pub fn blob(&self, id: Oid) -> Result<Vec<u8>> {
        let repo = self.local();
        let blob = repo.find_blob(id.0).or_machine(|| format!("cannot read the blob {id}"))?;
        Ok(blob.data.clone())
    }

    /// The paths of all files in a commit's tree as text, sorted; see [`super::diff::Change::path`].
    pub fn files_of(&self, commit: Oid) -> Result<Vec<String>> {
        Ok(self.entries_of(commit)?.into_iter().map(|(path, ..)| path).collect())
    }

    /// All entries of a commit's tree that are no trees, sorted by path.
    pub fn entries_of(&self, commit: Oid) -> Result<Vec<(String, EntryKind, Oid)>> {
        self.entries_in(self.tree_of(commit)?)
    }

    /// The same of a tree.
    pub fn entries_in(&self, tree: Oid) -> Result<Vec<(String, EntryKind, Oid)>> {
        let empty = Oid(self.local().empty_tree().id);
        let all = self.changes(empty, tree)?;
        Ok(all.into_iter().filter_map(|c| c.new.map(|(kind, id)| (c.path, kind, id))).collect())
    }

    /// The paths of the submodules in a commit's tree.
    pub fn gitlinks_of(&self, commit: Oid) -> Result<Vec<String>> {
        let links = self.entries_of(commit)?.into_iter();
        Ok(links
            .filter(|(_, kind, _)| *kind == EntryKind::Gitlink)
            .map(|(path, ..)| path)
            .collect())
    }

    /// Commits from `tip` along first parents until `stop`, newest first.
    pub fn first_parents(&self, tip: Oid, stop: Option<Oid>) -> Result<Vec<CommitInfo>> {
        let mut out = Vec::new();
        let mut at = Some(tip);
        while let Some(id) = at.filter(|id| Some(*id) != stop) {
            let info = self.commit(id)?;
            at = info.parents.first().copied();
            out.push(info);
        }
        Ok(out)
    }
}

fn is_same_but_case(a: &str, b: &str) -> bool {
    match a.is_ascii() && b.is_ascii() {
        true => a.eq_ignore_ascii_case(b),
        false => a.to_lowercase() == b.to_lowercase(),
    }
}
