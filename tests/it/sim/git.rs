//! A git in memory: commits as trees of small files, merges with conflicts, refs by
//! compare-and-swap, and what of it would survive a power cut.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use otto::git::Oid;

/// A path and its content, both numbers.
pub type Files = BTreeMap<u16, u32>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Commit {
    pub tree: Oid,
    pub parents: Vec<Oid>,
    /// Message and date: two commits with the same are the same.
    pub tag: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Object {
    Tree(Files),
    Commit(Commit),
}

#[derive(Debug)]
pub struct Git {
    ids: HashMap<Object, Oid>,
    trees: HashMap<Oid, Files>,
    commits: HashMap<Oid, Commit>,
    /// The length of the longest way to a root.
    depth: HashMap<Oid, u32>,
    /// A commit that was asked for and is not there.
    pub missing: Cell<Option<Oid>>,
    none: Commit,
    /// Commits that are written and not yet synced.
    unsynced: BTreeSet<Oid>,
    pub refs: BTreeMap<String, Oid>,
    /// Where each ref was since it was last on the disk for certain.
    undurable: BTreeMap<String, Vec<Option<Oid>>>,
}

impl Git {
    pub fn new() -> Self {
        let none = Commit { tree: Oid::NULL, parents: Vec::new(), tag: String::new() };
        let mut git = Self {
            ids: HashMap::new(),
            trees: HashMap::from([(Oid::NULL, Files::new())]),
            commits: HashMap::new(),
            depth: HashMap::new(),
            missing: Cell::new(None),
            none,
            unsynced: BTreeSet::new(),
            refs: BTreeMap::new(),
            undurable: BTreeMap::new(),
        };
        git.tree(&Files::new());
        git
    }

    pub fn is_synced(&self, id: Oid) -> bool {
        !self.unsynced.contains(&id)
    }

    fn id(&mut self, object: Object) -> Oid {
        let next = self.ids.len() + 1;
        let made = || format!("{next:040x}").parse().expect("an id");
        *self.ids.entry(object).or_insert_with(made)
    }

    pub fn tree(&mut self, files: &Files) -> Oid {
        let id = self.id(Object::Tree(files.clone()));
        self.trees.entry(id).or_insert_with(|| files.clone());
        id
    }

    pub fn write(&mut self, tree: Oid, parents: &[Oid], tag: String) -> Oid {
        let deepest = parents.iter().filter_map(|p| self.depth.get(p)).max().copied();
        let commit = Commit { tree, parents: parents.to_vec(), tag };
        let id = self.id(Object::Commit(commit.clone()));
        self.depth.insert(id, deepest.map_or(0, |d| d + 1));
        if self.commits.insert(id, commit).is_none() {
            self.unsynced.insert(id);
        }
        id
    }

    pub fn sync(&mut self) {
        self.unsynced.clear();
    }

    pub fn has(&self, id: Oid) -> bool {
        self.commits.contains_key(&id)
    }

    pub fn commit(&self, id: Oid) -> &Commit {
        self.commits.get(&id).unwrap_or_else(|| {
            self.missing.set(Some(id));
            &self.none
        })
    }

    pub fn tree_of(&self, id: Oid) -> Oid {
        self.commit(id).tree
    }

    pub fn files(&self, tree: Oid) -> &Files {
        &self.trees[&tree]
    }

    /// Everything that can be reached, as far as it is there.
    pub fn reachable(&self, tips: impl IntoIterator<Item = Oid>) -> BTreeSet<Oid> {
        let mut seen = BTreeSet::new();
        let mut todo: Vec<Oid> = tips.into_iter().collect();
        while let Some(id) = todo.pop() {
            if let Some(commit) = self.commits.get(&id)
                && seen.insert(id)
            {
                todo.extend(&commit.parents);
            }
        }
        seen
    }

    pub fn is_ancestor(&self, old: Oid, new: Oid) -> bool {
        old == new || self.reachable([new]).contains(&old)
    }

    fn merge_base(&self, a: Oid, b: Oid) -> Option<Oid> {
        let (of_a, of_b) = (self.reachable([a]), self.reachable([b]));
        // No other common ancestor has the deepest in its history.
        of_a.intersection(&of_b).copied().max_by_key(|id| (self.depth[id], *id))
    }

    /// The merged tree, or that two sides changed the same file in different ways.
    pub fn merge(&mut self, ours: Oid, theirs: Oid) -> Option<Oid> {
        let base = self.merge_base(ours, theirs).map(|b| self.tree_of(b));
        let base = base.map(|t| self.files(t).clone()).unwrap_or_default();
        let ours = self.files(self.tree_of(ours)).clone();
        let theirs = self.files(self.tree_of(theirs)).clone();
        let mut out = Files::new();
        let paths: BTreeSet<u16> = ours.keys().chain(theirs.keys()).copied().collect();
        for path in paths {
            let (b, o, t) = (base.get(&path), ours.get(&path), theirs.get(&path));
            let merged = match () {
                () if o == t || b == t => o,
                () if b == o => t,
                () => return None,
            };
            out.extend(merged.map(|value| (path, *value)));
        }
        Some(self.tree(&out))
    }

    pub fn read(&self, name: &str) -> Option<Oid> {
        self.refs.get(name).copied()
    }

    /// Compare-and-swap; what was found where it fails.
    pub fn cas(
        &mut self,
        name: &str,
        expect: Option<Oid>,
        new: Option<Oid>,
    ) -> Result<(), Option<Oid>> {
        let found = self.read(name);
        if found != expect {
            return Err(found);
        }
        self.undurable.entry(name.to_owned()).or_default().push(found);
        match new {
            Some(new) => self.refs.insert(name.to_owned(), new),
            None => self.refs.remove(name),
        };
        Ok(())
    }

    /// The kernel writes back what is dirty, in its own time.
    pub fn write_back(&mut self, name: &str) {
        self.undurable.remove(name);
    }

    pub fn dirty_refs(&self) -> Vec<String> {
        self.undurable.keys().cloned().collect()
    }

    /// What was not synced is gone, or is there all the same: `keep` says.
    pub fn power_cut(&mut self, mut keep: impl FnMut(usize) -> usize) {
        for id in std::mem::take(&mut self.unsynced) {
            if keep(2) == 0 {
                self.commits.remove(&id);
            }
        }
        for (name, places) in std::mem::take(&mut self.undurable) {
            let at = keep(places.len() + 1);
            if let Some(back) = places.get(at) {
                match back {
                    Some(id) => self.refs.insert(name, *id),
                    None => self.refs.remove(&name),
                };
            }
        }
        // A ref whose object is gone is cleared away when it is read.
        let commits = &self.commits;
        self.refs.retain(|_, id| commits.contains_key(id));
    }
}
