//! Whatever an agent did to a worktree: a reset ends with exactly the commit, and a snapshot is the
//! tree that git makes, as seen by a walk of the files and by git itself.

use std::collections::BTreeMap;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;

use super::super::folders::Folders;
use super::super::listing::Listing;
use crate::git::{Oid, Pool, Project, Repo, Worktree};

/// A repository with two commits and a pool beside it.
struct Place {
    _dir: tempfile::TempDir,
    repo: Repo,
    pool: Pool,
    commits: [Oid; 2],
}

fn git(dir: &Path, args: &[&str]) -> Vec<u8> {
    let who = ["-c", "user.name=T", "-c", "user.email=t@localhost"];
    let mut command = Command::new("git");
    command.args(who).args(args).current_dir(dir);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.output().expect("git starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "git {args:?}: {said}");
    output.stdout
}

fn put(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    std::fs::write(path, text).expect("written");
}

impl Place {
    fn new(extra: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().canonicalize().expect("there").join("p");
        std::fs::create_dir_all(&root).expect("a folder");
        git(&root, &["init", "-q", "-b", "main"]);
        for (name, text) in extra {
            put(&root, name, text);
        }
        put(&root, "a", "one\n");
        put(&root, "d/b", "two\n");
        put(&root, "d/e/c", "three\n");
        put(&root, "x/run", "#!/bin/sh\n");
        put(&root, ".gitignore", "*.log\n/out/\n!keep.log\n");
        std::fs::set_permissions(root.join("x/run"), PermissionsExt::from_mode(0o755))
            .expect("mode");
        symlink("d/b", root.join("link")).expect("a link");
        git(&root, &["add", "-A"]);
        git(&root, &["commit", "-qm", "first"]);
        let first = git(&root, &["rev-parse", "HEAD"]);
        put(&root, "a", "One\n");
        std::fs::remove_file(root.join("link")).expect("removed");
        put(&root, "link/now/a/file", "x\n");
        std::fs::remove_dir_all(root.join("d")).expect("removed");
        put(&root, "d", "now a file\n");
        git(&root, &["add", "-A"]);
        git(&root, &["commit", "-qm", "second"]);
        let second = git(&root, &["rev-parse", "HEAD"]);
        let oid = |text: Vec<u8>| -> Oid {
            String::from_utf8(text).expect("hex").trim().parse().expect("an id")
        };
        let repo = Repo::open(&Project::discover(&root).expect("found")).expect("open");
        let (pool, locks) = (dir.path().join("pool"), dir.path().join("locks"));
        let pool = Pool::open(&repo, &pool, &locks, &[]).expect("a pool");
        Self { _dir: dir, repo, pool, commits: [oid(first), oid(second)] }
    }

    /// The worktree is the commit: every file with its bytes and mode, and nothing else; git, with
    /// our index and with the agent's, sees no difference.
    fn assert_is(&self, tree: &Worktree, commit: Oid) {
        let root = &self.repo.project.root;
        let id = commit.to_string();
        let mut wanted = BTreeMap::new();
        let list = git(root, &["ls-tree", "-r", "-z", &id]);
        for line in list.split(|b| *b == 0).filter(|l| !l.is_empty()) {
            let line = String::from_utf8_lossy(line);
            let (head, path) = line.split_once('\t').expect("a path");
            let fields: Vec<&str> = head.split(' ').collect();
            let bytes = git(root, &["cat-file", "blob", fields[2]]);
            wanted.insert(PathBuf::from(path), (fields[0].to_owned(), bytes));
        }
        let mut there = BTreeMap::new();
        for entry in walkdir::WalkDir::new(&tree.path).min_depth(1) {
            let entry = entry.expect("a readable folder");
            let path = entry.path().strip_prefix(&tree.path).expect("inside").to_owned();
            let meta = entry.path().symlink_metadata().expect("there");
            if path == Path::new(".git") {
                continue;
            }
            if meta.is_dir() {
                assert!(wanted.keys().any(|w| w.starts_with(&path)), "a folder too many: {path:?}");
                continue;
            }
            // One that is read would be waited for.
            assert!(meta.is_file() || meta.is_symlink(), "a special file is left: {path:?}");
            let (mode, bytes) = if meta.file_type().is_symlink() {
                let target = std::fs::read_link(entry.path()).expect("a link");
                ("120000", target.into_os_string().into_encoded_bytes())
            } else {
                let mode = if meta.mode() & 0o100 == 0 { "100644" } else { "100755" };
                (mode, std::fs::read(entry.path()).expect("readable"))
            };
            there.insert(path, (mode.to_owned(), bytes));
        }
        assert_eq!(there, wanted);
        let status = git(&tree.path, &["status", "--porcelain", "--ignored"]);
        assert_eq!(String::from_utf8_lossy(&status), "");
        assert_eq!(tree.head().expect("a HEAD"), id);
        let staged =
            tree.git().read(&["diff-index", "--cached", &id]).expect("git reads our index");
        assert_eq!(staged, "");
    }
}

/// Something that an agent, or a tool that it calls, does to a worktree.
#[derive(Debug, Clone)]
enum Mess {
    Write(String, String),
    /// As long as before, with the times put back.
    Forge(String),
    Remove(String),
    Mode(String, u32),
    Link(String, String),
    HardLink(String, String),
    Folder(String),
    Fifo(String),
    Repository(String),
    Git(Vec<&'static str>),
    /// The file `.git` of the worktree.
    DotGit,
    Merging,
}

const NAMES: [&str; 16] = [
    "a",
    "d",
    "d/b",
    "d/e",
    "d/e/c",
    "x/run",
    "x",
    "link",
    "new",
    "d/new",
    "new/deep/file",
    "A",
    "run.log",
    "keep.log",
    "out/made",
    ".gitignore",
];

fn name() -> impl Strategy<Value = String> {
    (0..NAMES.len()).prop_map(|n| NAMES[n].to_owned())
}

fn mess() -> impl Strategy<Value = Mess> {
    let commands = prop_oneof![
        Just(vec!["add", "-A"]),
        Just(vec!["rm", "-q", "--cached", "a"]),
        Just(vec!["commit", "-q", "--allow-empty", "-m", "mine"]),
        Just(vec!["checkout", "-q", "-f", "--orphan", "other"]),
        Just(vec!["update-index", "--assume-unchanged", "a"]),
    ];
    prop_oneof![
        4 => (name(), "[a-z\n]{0,6}").prop_map(|(n, t)| Mess::Write(n, t)),
        4 => name().prop_map(Mess::Forge),
        3 => name().prop_map(Mess::Remove),
        2 => (name(), prop_oneof![Just(0o755), Just(0o644), Just(0o600), Just(0o777)])
            .prop_map(|(n, m)| Mess::Mode(n, m)),
        2 => (name(), prop_oneof![Just("..".to_owned()), Just("/nowhere/else".to_owned()), name()])
            .prop_map(|(n, t)| Mess::Link(n, t)),
        1 => (name(), name()).prop_map(|(a, b)| Mess::HardLink(a, b)),
        1 => name().prop_map(Mess::Folder),
        1 => name().prop_map(Mess::Fifo),
        1 => name().prop_map(Mess::Repository),
        2 => commands.prop_map(Mess::Git),
        1 => Just(Mess::DotGit),
        1 => Just(Mess::Merging),
    ]
}

impl Mess {
    /// Does what can be done; what cannot is no mess.
    fn make(&self, tree: &Worktree) {
        let at = |name: &str| tree.path.join(name);
        let folder = |path: &Path| {
            drop(path.parent().map(std::fs::create_dir_all));
        };
        match self {
            Mess::Write(name, text) => {
                folder(&at(name));
                // Opening a pipe without a reader would wait for one.
                let is_fifo = std::fs::metadata(at(name)).is_ok_and(|m| m.file_type().is_fifo());
                if !is_fifo {
                    drop(std::fs::write(at(name), text));
                }
            }
            Mess::Forge(name) => forge(&at(name)),
            Mess::Remove(name) => {
                drop(std::fs::remove_file(at(name)));
                drop(std::fs::remove_dir_all(at(name)));
            }
            Mess::Mode(name, mode) => {
                drop(std::fs::set_permissions(at(name), PermissionsExt::from_mode(*mode)));
            }
            Mess::Link(name, target) => {
                drop(std::fs::remove_file(at(name)));
                folder(&at(name));
                drop(symlink(target, at(name)));
            }
            Mess::HardLink(from, to) => drop(std::fs::hard_link(at(from), at(to))),
            Mess::Folder(name) => drop(std::fs::create_dir_all(at(name))),
            Mess::Fifo(name) => {
                let _exists_already = nix::unistd::mkfifo(&at(name), nix::sys::stat::Mode::S_IRWXU);
            }
            Mess::Repository(name) => {
                drop(std::fs::create_dir_all(at(name)));
                drop(Command::new("git").args(["init", "-q"]).arg(at(name)).output());
            }
            Mess::Git(args) => {
                let mut command = Command::new("git");
                command.args(["-c", "user.name=A", "-c", "user.email=a@x"]).args(args);
                drop(command.current_dir(&tree.path).output());
            }
            Mess::DotGit => {
                drop(std::fs::remove_file(at(".git")));
                drop(std::fs::create_dir_all(at(".git/objects")));
            }
            Mess::Merging => drop(std::fs::write(tree.git_dir.join("MERGE_HEAD"), "0")),
        }
    }
}

/// Other bytes, the same length, the same times as far as a program can set them.
fn forge(path: &Path) {
    let Ok(meta) = path.symlink_metadata() else { return };
    if !meta.is_file() {
        return;
    }
    let Ok(bytes) = std::fs::read(path) else { return };
    let other: Vec<u8> = bytes.iter().map(|b| b ^ 1).collect();
    drop(std::fs::write(path, other));
    let Ok(file) = std::fs::File::options().write(true).open(path) else { return };
    let times = std::fs::FileTimes::new()
        .set_modified(meta.modified().expect("a time"))
        .set_accessed(meta.accessed().expect("a time"));
    drop(file.set_times(times));
}

impl Place {
    /// Mode, id and path of everything in a tree.
    fn tree_text(&self, tree: Oid) -> String {
        let git = crate::git::Git::new(&self.repo.project.common_dir);
        git.read(&["ls-tree", "-r", &tree.to_string()]).expect("a tree")
    }
}

/// What git stages in the same worktree. It starts from the same entries without what was known of
/// the files: a copy of the index would be younger than all of them, and git would trust it.
fn staged_by_git(tree: &Worktree) -> Option<Oid> {
    let place = |name: &str| tree.path.with_file_name(name);
    std::fs::copy(&tree.index, place("copy-of-the-test")).expect("a copy");
    let staged = tree.git().index(&place("copy-of-the-test")).read(&["write-tree"]).ok()?;
    let fresh = place("index-of-the-test");
    drop(std::fs::remove_file(&fresh));
    let git = tree.git().index(&fresh);
    git.run(&["read-tree", staged.trim()]).ok()?;
    git.run(&["add", "--all", "--", "."]).ok()?;
    git.read(&["write-tree"]).ok()?.trim().parse().ok()
}

#[test]
fn a_pipe_is_gone_where_git_has_to_reset() {
    let place = Place::new(&[]);
    let tree = place.pool.lease(place.commits[0], None).expect("a worktree");
    for mess in [Mess::Fifo("A".into()), Mess::Fifo("d/new".into()), Mess::Merging] {
        mess.make(&tree);
    }
    tree.reset(place.commits[1]).expect("reset");
    place.assert_is(&tree, place.commits[1]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..Default::default() })]

    #[test]
    fn after_any_mess_a_worktree_is_exactly_the_commit(
        rounds in proptest::collection::vec((proptest::collection::vec(mess(), 0..5), 0..2usize), 1..5),
    ) {
        let place = Place::new(&[]);
        let tree = place.pool.lease(place.commits[0], None).expect("a worktree");
        place.assert_is(&tree, place.commits[0]);
        let mut base = place.commits[0];
        for (messes, next) in rounds {
            tree.past_this_tick();
            messes.iter().for_each(|m| m.make(&tree));
            if let Some(snapshot) = tree.snapshot_plainly(base, "").expect("readable") {
                let by_git = staged_by_git(&tree);
                let of = |tree: Oid| place.tree_text(tree);
                prop_assert_eq!(of(snapshot.tree), by_git.map(of).unwrap_or_default());
            }
            base = place.commits[next];
            tree.reset(base).expect("reset");
            place.assert_is(&tree, base);
        }
    }
}

impl Worktree {
    /// A reset that finds everything older than this tick of the file system's clock: it vouches for
    /// every folder, and the next listing believes it.
    fn past_this_tick(&self) {
        let tick = || {
            std::fs::write(self.home.join("tick"), "").expect("written");
            self.home.join("tick").metadata().expect("there").modified().expect("a time")
        };
        let began = tick();
        while tick() == began {
            std::hint::spin_loop();
        }
        let head = self.head().expect("a HEAD").parse().expect("a commit");
        self.reset(head).expect("reset");
    }

    fn folders_read(&self) -> usize {
        let index = super::open_index(&self.index).expect("an index");
        let folders = Folders::read(&self.folders, &index);
        let listing = Listing::of(&self.path, &index, &folders, &mut |_| true).expect("listed");
        listing.dirs.iter().filter(|(dir, seen)| !folders.vouches_for(dir.as_ref(), seen)).count()
    }
}

#[test]
fn only_folders_in_which_something_changed_are_read() {
    let place = Place::new(&[]);
    let tree = place.pool.lease(place.commits[0], None).expect("a worktree");
    // Once more: what the first wrote in the tick of its index is written again.
    tree.past_this_tick();
    tree.past_this_tick();
    assert_eq!(tree.folders_read(), 0);
    // What is in a file is none of its folder's business.
    put(&tree.path, "d/b", "other\n");
    assert_eq!(tree.folders_read(), 0);
    put(&tree.path, "d/e/new", "new\n");
    assert_eq!(tree.folders_read(), 1);
    tree.reset(place.commits[0]).expect("reset");
    place.assert_is(&tree, place.commits[0]);
    // The record belongs to one index, and a part of it is no record.
    tree.past_this_tick();
    tree.past_this_tick();
    let record = std::fs::read(&tree.folders).expect("a record");
    std::fs::write(&tree.folders, &record[..record.len() - 1]).expect("cut");
    assert_eq!(tree.folders_read(), 0, "the rest still holds");
    std::fs::write(&tree.folders, &record[1..]).expect("cut");
    assert_eq!(tree.folders_read(), 4, "of another index");
    std::fs::remove_file(&tree.folders).expect("removed");
    assert_eq!(tree.folders_read(), 4);
}

#[test]
fn the_usual_work_of_an_agent_starts_no_git() {
    let place = Place::new(&[]);
    let tree = place.pool.lease(place.commits[0], None).expect("a worktree");
    for (name, text) in [("a", "other\n"), ("d/new", "new\n"), ("out/x", "ignored\n")] {
        put(&tree.path, name, text);
    }
    assert!(tree.reset_plainly(place.commits[1]).expect("readable"));
    tree.reset(place.commits[1]).expect("nothing is left to do but the agent's index");
    place.assert_is(&tree, place.commits[1]);
    put(&tree.path, "d2/new", "new\n");
    put(&tree.path, "a", "other\n");
    let snapshot = tree.snapshot_plainly(place.commits[1], "").expect("readable");
    assert_eq!(snapshot.map(|s| s.tree), staged_by_git(&tree));
    // What is ignored is named by git.
    put(&tree.path, "run.log", "noise\n");
    assert_eq!(tree.snapshot_plainly(place.commits[1], "").expect("readable"), None);
    let snapshot = tree.snapshot(place.commits[1], &[]).expect("made");
    assert_eq!(snapshot.left_out, ["run.log"]);
}

#[test]
fn what_is_not_plain_is_left_to_git() {
    let crlf = Place::new(&[(".gitattributes", "*.txt text eol=crlf\n"), ("t.txt", "a\nb\n")]);
    let tree = crlf.pool.lease(crlf.commits[0], None).expect("a worktree");
    assert!(!tree.reset_plainly(crlf.commits[0]).expect("readable"));
    assert_eq!(std::fs::read(tree.path.join("t.txt")).expect("there"), b"a\r\nb\r\n");
    assert_eq!(tree.snapshot_plainly(crlf.commits[0], "").expect("readable"), None);

    let bent = Place::new(&[]);
    git(&bent.repo.project.root, &["config", "core.autocrlf", "true"]);
    let repo = Repo::open(&bent.repo.project).expect("open");
    assert!(!super::is_plain_repo(&repo));
}
