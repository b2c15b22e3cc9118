//! Where the symbolic links of a tree lead, through its other links.

use std::collections::{BTreeMap, HashMap};

use super::diff::EntryKind;
use super::{Oid, Repo};
use crate::base::Result;

/// More links on one way are a circle.
const MAX_HOPS: usize = 40;

/// The links of one tree: path → target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links(HashMap<String, String>);

impl Repo {
    /// The links in a tree's files, of which `entries` are all; see [`Repo::entries_of`].
    pub fn links_of(&self, entries: &[(String, EntryKind, Oid)]) -> Result<Links> {
        let links = entries.iter().filter(|(_, kind, _)| *kind == EntryKind::Symlink);
        let read = |(path, _, id): &(String, EntryKind, Oid)| {
            Ok((path.clone(), String::from_utf8_lossy(&self.blob(*id)?).into_owned()))
        };
        Ok(Links(links.map(read).collect::<Result<_>>()?))
    }
}

impl Links {
    /// Links that lead out of the tree, with their targets.
    pub fn out(&self) -> BTreeMap<&str, &str> {
        let out = self.0.iter().filter(|(path, target)| self.leads_out(path, target));
        out.map(|(path, target)| (path.as_str(), target.as_str())).collect()
    }

    /// Whether a link is absolute, climbs above the root, or gets there through others. What is not
    /// in the tree counts as a folder.
    fn leads_out(&self, path: &str, target: &str) -> bool {
        let parts = |text: &str| text.split('/').map(str::to_owned).rev().collect::<Vec<_>>();
        let mut at: Vec<String> = path.split('/').map(str::to_owned).collect();
        at.pop();
        if target.starts_with('/') {
            return true;
        }
        // The next part is the last.
        let (mut rest, mut hops) = (parts(target), 0);
        while let Some(part) = rest.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." if at.pop().is_none() => return true,
                ".." => continue,
                _ => at.push(part),
            }
            if let Some(next) = self.0.get(&at.join("/")) {
                hops += 1;
                if next.starts_with('/') || hops > MAX_HOPS {
                    return true;
                }
                at.pop();
                rest.extend(parts(next));
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn links(all: &[(&str, &str)]) -> Links {
        Links(all.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect())
    }

    #[test]
    fn a_link_leads_out_by_itself_or_through_another() {
        for (all, out) in [
            (vec![("a/l", "../b"), ("c", "a/./l")], vec![]),
            (vec![("a/l", "../../b")], vec!["a/l"]),
            (vec![("l", "/etc/passwd")], vec!["l"]),
            // Deep by its words, and shallow where it gets.
            (vec![("a/b/c/s", "../.."), ("x", "a/b/c/s/../../y")], vec!["x"]),
            (vec![("s", "a"), ("a", "s")], vec!["a", "s"]),
            (vec![("s", "t/../.."), ("t", "deep/er")], vec![]),
            (vec![("s", "t/../.."), ("t", "deep")], vec!["s"]),
        ] {
            let links = links(&all);
            assert_eq!(links.out().into_keys().collect::<Vec<_>>(), out, "{all:?}");
        }
    }

    proptest! {
        /// What counts as inside is inside when a file system resolves it.
        #[test]
        fn inside_is_inside_on_disk(all in prop::collection::btree_map("[ab](/[ab]){0,2}", "(\\.\\./|[ab]/){0,4}[ab.]", 1..5)) {
            let dir = tempfile::tempdir().expect("a folder");
            let root = dir.path().canonicalize().expect("there").join("x/y/root");
            std::fs::create_dir_all(&root).expect("made");
            let mut there = HashMap::new();
            for (path, target) in &all {
                let at = root.join(path);
                // A path below another link is none of a tree.
                let above = path.match_indices('/').map(|(i, _)| &path[..i]);
                if above.clone().any(|p| there.contains_key(p)) || at.is_dir() {
                    continue;
                }
                std::fs::create_dir_all(at.parent().expect("a folder")).expect("made");
                std::os::unix::fs::symlink(target, &at).expect("a link");
                there.insert(path.clone(), target.clone());
            }
            let links = Links(there);
            let out = links.out();
            for path in links.0.keys().filter(|p| !out.contains_key(p.as_str())) {
                if let Ok(real) = root.join(path).canonicalize() {
                    prop_assert!(real.starts_with(&root), "{path} of {links:?} is at {real:?}");
                }
            }
        }
    }
}
