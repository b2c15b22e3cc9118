//! A sandbox that can be put back as it was.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::Sandbox;

/// A sandbox with a copy of everything that programs change.
pub struct Place {
    pub s: Sandbox,
    root: PathBuf,
    kept: PathBuf,
}

/// What must not be invented: refs and events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub refs: BTreeMap<String, String>,
    pub journal: Vec<u8>,
}

const PARTS: [&str; 2] = ["project", "cache"];

impl Place {
    pub fn keep(s: Sandbox) -> Self {
        let root = s.at("").components().as_path().to_owned();
        let kept = s.at("kept");
        std::fs::create_dir(&kept).expect("a folder");
        for part in PARTS {
            copy(&root.join(part), &kept);
        }
        Self { s, root, kept }
    }

    /// Everything as it was kept.
    pub fn restore(&self) {
        for part in PARTS {
            same(&self.kept.join(part), &self.root.join(part));
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub fn good(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.kept.join(name)).expect("a kept file")
    }

    /// Paths of all files that Otto keeps, below the folder of the sandbox, sorted.
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for part in ["project/otto_logs", "cache"] {
            walk(&self.kept.join(part), &mut files);
        }
        let name =
            |p: &PathBuf| p.strip_prefix(&self.kept).expect("below").to_string_lossy().into_owned();
        let mut names: Vec<String> = files.iter().map(name).collect();
        names.sort();
        names
    }

    pub fn journal_path(&self) -> PathBuf {
        self.s.project.join("otto_logs/sessions").join(self.id()).join("spec-state.jsonl")
    }

    /// Not from `latest`, which may be damaged.
    pub fn id(&self) -> String {
        let dir =
            std::fs::read_dir(self.kept.join("project/otto_logs/sessions")).expect("sessions");
        let names: Vec<_> =
            dir.flatten().map(|e| e.file_name().into_string().expect("id")).collect();
        assert_eq!(names.len(), 1);
        names[0].clone()
    }

    /// Read from the files: this is asked after every trial.
    pub fn facts(&self) -> Facts {
        let git = self.s.project.join(".git");
        let mut refs = BTreeMap::new();
        let mut files = Vec::new();
        walk(&git.join("refs"), &mut files);
        for file in files.iter().filter(|f| f.extension().is_none_or(|e| e != "lock")) {
            let name = file.strip_prefix(&git).expect("below").to_string_lossy().into_owned();
            let id = std::fs::read_to_string(file).expect("a ref");
            refs.insert(name, id.trim().to_owned());
        }
        assert!(!git.join("packed-refs").exists(), "nothing packs them here");
        Facts { refs, journal: std::fs::read(self.journal_path()).unwrap_or_default() }
    }

    /// Trees of the user's branch and of the product, and what landed, in order.
    pub fn product(&self) -> (Vec<String>, Vec<String>) {
        let facts = self.facts();
        let integ = format!("refs/heads/i2p/integ/{}", self.id());
        let trees = ["refs/heads/main", integ.as_str()]
            .iter()
            .filter(|name| facts.refs.contains_key(**name))
            .map(|name| self.s.git(&["rev-parse", &format!("{name}^{{tree}}")]))
            .collect();
        let text = String::from_utf8_lossy(&facts.journal).into_owned();
        let landed = text
            .lines()
            .filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok())
            .filter(|e| e["kind"] == "merge.landed")
            .map(|e| e["group"].as_str().unwrap_or("?").to_owned())
            .collect();
        (trees, landed)
    }
}

/// With times, modes and links. `into` is a folder.
fn copy(from: &Path, into: &Path) {
    let meta = from.symlink_metadata().expect("metadata");
    let to = into.join(from.file_name().expect("a name"));
    if !meta.is_file() {
        let done = Command::new("cp").arg("-a").arg(from).arg(into).status().expect("cp");
        assert!(done.success(), "cp -a {}", from.display());
        return;
    }
    std::fs::copy(from, &to).expect("copied");
    let file = std::fs::OpenOptions::new().read(true).open(&to).expect("opened");
    file.set_modified(meta.modified().expect("a time")).expect("the time");
}

/// Makes `to` what `from` is, by size and time of each file.
fn same(from: &Path, to: &Path) {
    let list = |dir: &Path| -> BTreeMap<OsString, Metadata> {
        let entries = std::fs::read_dir(dir).expect("a folder").flatten();
        entries.map(|e| (e.file_name(), e.metadata().expect("metadata"))).collect()
    };
    let (wanted, found) = (list(from), list(to));
    for (name, meta) in &found {
        if wanted.get(name).is_none_or(|w| w.file_type() != meta.file_type()) {
            let path = to.join(name);
            let removed = match meta.is_dir() {
                true => std::fs::remove_dir_all(&path),
                false => std::fs::remove_file(&path),
            };
            removed.expect("removed");
        }
    }
    for (name, meta) in &wanted {
        let as_it_was =
            |m: &&Metadata| m.len() == meta.len() && m.modified().ok() == meta.modified().ok();
        let there = found.get(name).filter(|m| m.file_type() == meta.file_type());
        if meta.is_dir() && there.is_some() {
            same(&from.join(name), &to.join(name));
        } else if there.filter(as_it_was).is_none() {
            copy(&from.join(name), to);
        }
    }
}

fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            walk(&entry.path(), out);
        } else if kind.is_file() {
            out.push(entry.path());
        }
    }
}
