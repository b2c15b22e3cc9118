//! What is done to a run at its crash points, and what a power cut leaves of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use otto::base::clock::split_mix;
use otto::base::fault::Effect;
use otto::disk::fault::VAR;
use otto::disk::fault::platter::Platter;
use regex::Regex;

use super::Sandbox;

/// A crash point that a program came to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    pub program: String,
    /// Counted from 1 over all processes of that program in a run.
    pub n: u64,
    pub effect: String,
    /// Without what differs from run to run.
    pub subject: String,
}

/// The folder that `OTTO_FAULT` names.
pub struct Faults<'a> {
    sandbox: &'a Sandbox,
    dir: tempfile::TempDir,
}

/// How much of what was not synced survives a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survives {
    /// Nothing.
    Nothing,
    /// Some of it, drawn from this seed: a rename without its content, an append cut anywhere, a
    /// tail of zeros, a removal that did not happen.
    Some(u64),
}

impl<'a> Faults<'a> {
    pub fn new(sandbox: &'a Sandbox) -> Self {
        let dir = tempfile::Builder::new().prefix("otto-fault-").tempdir().expect("a folder");
        Self { sandbox, dir }
    }

    /// `<program> <n> <what>`, see `otto::disk::fault`.
    pub fn plan(&self, plan: &str) {
        fs::write(self.dir.path().join("plan"), plan).expect("written");
    }

    /// From here on it is known what a power cut would leave.
    pub fn with_platter(&self) {
        fs::write(self.dir.path().join("root"), self.root().to_str().expect("text"))
            .expect("written");
        let platter = Platter::new(self.root(), self.dir.path().join("platter"));
        platter.keep(Effect::SyncAll, &self.root()).expect("kept");
    }

    fn root(&self) -> PathBuf {
        self.sandbox.at("")
    }

    pub fn env(&self) -> (&'static str, &Path) {
        (VAR, self.dir.path())
    }

    /// Every point that was come to, in order.
    pub fn points(&self) -> Vec<Point> {
        let text = fs::read_to_string(self.dir.path().join("points")).unwrap_or_default();
        text.lines().map(|line| self.point(line)).collect()
    }

    fn point(&self, line: &str) -> Point {
        let fields: Vec<&str> = line.split('\t').collect();
        let [program, n, effect, subject] = fields[..] else { panic!("a point: {line}") };
        Point {
            program: program.to_owned(),
            n: n.parse().expect("a number"),
            effect: effect.to_owned(),
            subject: normal(&self.root(), subject),
        }
    }

    /// The power was cut: what was not synced is gone, and nothing runs.
    pub fn restore(&self, survives: Survives) {
        self.sandbox.kill_leftovers();
        let (real, kept) = (self.root(), self.dir.path().join("platter/tree"));
        let coin = Coin(match survives {
            Survives::Nothing => None,
            Survives::Some(seed) => Some(seed),
        });
        PowerCut { inodes: self.dir.path().join("platter/inodes"), coin }.below(&kept, &real);
    }
}

fn normal(root: &Path, subject: &str) -> String {
    let below = subject.strip_prefix(root.to_str().expect("text")).unwrap_or(subject);
    let below = below.trim_start_matches('/');
    let mut text = below.rsplit_once("/bin/").map_or(below, |(_, name)| name).to_owned();
    for (pattern, word) in [
        (r"\.otto-\w+\.tmp", "NEW"),
        (r"\d{8}-\d{6}-[a-z2-7]{4}", "SID"),
        (r"[0-9a-f]{64}", "HASH"),
        (r"cache/otto/[0-9a-f]+", "cache"),
        (r"worktrees/\d{3}", "worktrees/NNN"),
        (r"worktrees/project\d*", "worktrees/PROJECT"),
        // Which of them a reset writes again depends on the tick in which they were checked out.
        (r"NNN/project/(README\.md|otto\.yaml|tests/check\.sh|g\d/work)", "NNN/project/FILE"),
        (r"\bg\d\b", "GROUP"),
    ] {
        let pattern = Regex::new(pattern).expect("a pattern");
        text = pattern.replace_all(&text, word).into_owned();
    }
    text
}

struct Coin(Option<u64>);

impl Coin {
    /// 0 where nothing unsynced survives, else one of `n`.
    fn one_of(&mut self, n: u64) -> u64 {
        match &mut self.0 {
            None => 0,
            Some(seed) => {
                *seed = split_mix(*seed);
                *seed % n
            }
        }
    }
}

fn names(dir: &Path) -> Vec<std::ffi::OsString> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|e| e.expect("an entry").file_name()).collect();
    names.sort();
    names
}

/// What the kept folder says, or something between that and what there was.
struct PowerCut {
    /// What was synced of files and folders, whatever their names; see `disk::fault::platter`.
    inodes: PathBuf,
    coin: Coin,
}

impl PowerCut {
    fn below(&mut self, kept: &Path, real: &Path) {
        for name in names(real) {
            let (kept, real) = (kept.join(&name), real.join(&name));
            if is_folder(&real) {
                self.folder(&kept, &real);
            } else if is_regular(&real) {
                self.file(&kept, &real);
            }
        }
        for name in names(kept) {
            // A removal that was not synced: mostly it did not happen.
            let to = real.join(&name);
            if fs::symlink_metadata(&to).is_err() && self.coin.one_of(4) != 3 {
                copy(&kept.join(&name), &to);
            }
        }
    }

    fn folder(&mut self, kept: &Path, real: &Path) {
        let there = fs::symlink_metadata(kept).is_ok();
        if there && is_folder(kept) {
            self.below(kept, real);
        } else if !there && self.coin.one_of(2) == 1 {
            // A new name that survives is that of a folder, whatever else it was called: what was
            // synced in it is in it.
            let place = fs::read_to_string(self.synced(real).with_extension("folder"));
            self.below(&place.map_or(kept.to_owned(), PathBuf::from), real);
        } else {
            fs::remove_dir_all(real).expect("removed");
            if there {
                copy(kept, real);
            }
        }
    }

    fn file(&mut self, kept: &Path, real: &Path) {
        let now = fs::read(real).expect("a file");
        let then = if is_regular(kept) { Some(fs::read(kept).expect("a file")) } else { None };
        if then.as_ref() == Some(&now) {
            return;
        }
        // A new name, of a content that was synced or was not.
        let content = fs::read(self.synced(real)).ok();
        match (then, content) {
            // An append: any part of it, or zeros where it was to be.
            (Some(then), _) if now.starts_with(&then) && !then.is_empty() => {
                let extra = (now.len() - then.len()) as u64;
                let left = match self.coin.one_of(4) {
                    0 => then,
                    1 => now,
                    2 => now[..then.len() + (self.coin.one_of(extra + 1) as usize)].to_vec(),
                    _ => [then, vec![0; extra as usize]].concat(),
                };
                overwrite(real, &left);
            }
            (Some(then), _) if self.coin.one_of(2) == 0 => overwrite(real, &then),
            (Some(_), None) => {}
            (Some(_), Some(content)) => overwrite(real, &content),
            (None, content) => match self.coin.one_of(4) {
                0 | 1 => fs::remove_file(real).expect("removed"),
                2 => overwrite(real, &content.unwrap_or_default()),
                _ => {}
            },
        }
    }

    /// Where what was synced of a file is kept, under its inode.
    fn synced(&self, file: &Path) -> PathBuf {
        let meta = fs::symlink_metadata(file).expect("it is there");
        let born = meta.created().expect("a time of birth").duration_since(UNIX_EPOCH);
        let born = born.expect("after 1970").as_nanos();
        self.inodes.join(format!("{}-{born}", std::os::unix::fs::MetadataExt::ino(&meta)))
    }
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.is_dir())
}

fn is_regular(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.is_file())
}

/// Objects are read-only.
fn overwrite(path: &Path, bytes: &[u8]) {
    let mode = fs::metadata(path).expect("a file").permissions();
    fs::remove_file(path).expect("removed");
    fs::write(path, bytes).expect("written");
    fs::set_permissions(path, mode).expect("mode");
}

fn copy(from: &Path, to: &Path) {
    let meta = fs::symlink_metadata(from).expect("it is there");
    if meta.is_dir() {
        fs::create_dir_all(to).expect("made");
        for name in names(from) {
            copy(&from.join(&name), &to.join(&name));
        }
    } else if meta.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from).expect("a link"), to).expect("linked");
    } else {
        fs::write(to, fs::read(from).expect("a file")).expect("written");
    }
}
