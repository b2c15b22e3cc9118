//! Path entries as a matcher: the one that validation judges by, for everything that looks for files.

use std::path::Path;

use globset::{GlobSet, GlobSetBuilder};

use super::glob::{compile, patterns};
use crate::base::{Error, Result};

/// Compiled entries: globs, where `*` and `?` stay within one path segment, and plain paths, which also
/// stand for everything below them.
#[derive(Debug)]
pub struct Paths(GlobSet);

impl Paths {
    pub fn new<S: AsRef<str>>(entries: &[S]) -> Result<Self> {
        let mut set = GlobSetBuilder::new();
        for entry in entries {
            let entry = entry.as_ref();
            let wrong = |e| Error::input(format!("'{entry}' is not a glob")).because(e);
            for pattern in patterns(entry) {
                set.add(compile(&pattern).map_err(wrong)?);
            }
        }
        Ok(Self(set.build().map_err(|e| Error::input("these globs").because(e))?))
    }

    /// Whether one of them means this path, which is relative to the tree.
    pub fn has(&self, path: impl AsRef<Path>) -> bool {
        self.0.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_in_their_folder_and_plain_paths_stand_for_what_is_below() {
        let paths = Paths::new(&["*.lock", "a/*/x.json", "docs", "deep/**", "lit[1]", "tmp/"])
            .expect("globs");
        for path in
            ["y.lock", "a/b/x.json", "docs", "docs/a/b", "deep/a/b", "lit1", "tmp/x", "tmp/x/y"]
        {
            assert!(paths.has(path), "{path}");
        }
        for path in ["a/y.lock", "a/b/c/x.json", "docs2", "deep", "lit[1]"] {
            assert!(!paths.has(path), "{path}");
        }
        assert!(Paths::new(&["a/[b"]).is_err());
    }
}
