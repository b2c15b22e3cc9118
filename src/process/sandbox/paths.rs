//! Lists of paths, as both tiers need them.

use std::path::{Path, PathBuf};

/// The path itself and, where links lead there, the place it stands for; what is not there is left
/// out.
pub(super) fn both(path: &Path) -> Vec<PathBuf> {
    let Ok(real) = path.canonicalize() else { return Vec::new() };
    if real == path { vec![real] } else { vec![path.to_owned(), real] }
}

/// Sorted, each once, without what lies below another.
pub(super) fn topmost(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.sort();
    paths.dedup();
    let mut out: Vec<PathBuf> = Vec::new();
    for path in paths {
        if !out.last().is_some_and(|above| path.starts_with(above)) {
            out.push(path);
        }
    }
    out
}

/// `root` without what is hidden below: itself, or the entries around that. Links among the entries
/// are left out: what they lead to is allowed by itself or not at all.
pub(super) fn around(root: &Path, hidden: &[PathBuf], out: &mut Vec<PathBuf>) {
    if hidden.iter().any(|h| root.starts_with(h)) {
        return;
    }
    if !hidden.iter().any(|h| h.starts_with(root)) {
        out.push(root.to_owned());
        return;
    }
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|t| !t.is_symlink()) {
            around(&entry.path(), hidden, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_another_is_said_once() {
        let all = ["/usr/lib", "/a/b", "/usr", "/a/bc", "/a/b/c", "/usr"].map(PathBuf::from);
        assert_eq!(topmost(all.to_vec()), ["/a/b", "/a/bc", "/usr"].map(PathBuf::from));
    }

    #[test]
    fn the_entries_around_what_is_hidden_are_allowed() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        for sub in ["a/secret", "a/open", "b"] {
            std::fs::create_dir_all(at(sub)).expect("a folder");
        }
        std::os::unix::fs::symlink(at("a/secret"), at("a/link")).expect("a link");
        let mut out = Vec::new();
        around(dir.path(), &[at("a/secret")], &mut out);
        assert_eq!(topmost(out), [at("a/open"), at("b")]);
        let mut out = Vec::new();
        around(&at("a/secret"), &[at("a")], &mut out);
        assert_eq!(out, [""; 0].map(PathBuf::from));
    }
}
