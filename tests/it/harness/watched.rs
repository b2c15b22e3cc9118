//! Everything of the user's that a run must leave alone, byte for byte.

use std::collections::BTreeMap;
use std::path::Path;

use super::Sandbox;

/// The checkout without `otto_logs`, the repository's own files, and every ref that is not Otto's.
#[derive(Debug, PartialEq, Eq)]
pub struct Watched {
    files: BTreeMap<String, Vec<u8>>,
    refs: String,
}

impl Watched {
    pub fn of(sandbox: &Sandbox) -> Self {
        let mut files = BTreeMap::new();
        collect(&sandbox.project, &sandbox.project, &mut files);
        let refs = sandbox.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        let theirs = |line: &&str| {
            !["refs/heads/i2p/", "refs/otto/", "refs/notes/otto"]
                .iter()
                .any(|o| line.starts_with(o))
        };
        let refs: Vec<&str> = refs.lines().filter(theirs).collect();
        Self { files, refs: refs.join("\n") }
    }

    /// Names what differs instead of printing two checkouts.
    pub fn assert_same(&self, later: &Self) {
        let names: std::collections::BTreeSet<_> =
            self.files.keys().chain(later.files.keys()).collect();
        let differing: Vec<_> =
            names.into_iter().filter(|n| self.files.get(*n) != later.files.get(*n)).collect();
        assert!(differing.is_empty(), "changed outside: {differing:?}");
        assert_eq!(self.refs, later.refs);
    }
}

fn collect(root: &Path, dir: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(dir).expect("a folder").map(|e| e.expect("an entry")) {
        let path = entry.path();
        let name = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
        // What is Otto's: its logs, new objects, its refs and their logs, linked worktrees. The one
        // line in info/exclude is written down in the contract.
        let otto =
            ["otto_logs", ".git/objects", ".git/worktrees", ".git/info/exclude", ".git/otto"];
        let refs = [".git/refs", ".git/logs/refs", ".git/packed-refs"];
        if otto.contains(&name.as_str()) || refs.contains(&name.as_str()) {
            continue;
        }
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            files.insert(format!("{name}/"), Vec::new());
            collect(root, &path, files);
        } else if kind.is_symlink() {
            let to = std::fs::read_link(&path).expect("a link");
            files.insert(name, to.into_os_string().into_encoded_bytes());
        } else {
            use std::os::unix::fs::PermissionsExt;
            let mode = entry.metadata().expect("metadata").permissions().mode();
            let mut bytes = std::fs::read(&path).expect("a file");
            bytes.extend(format!("\nmode {mode:o}").as_bytes());
            files.insert(name, bytes);
        }
    }
}
