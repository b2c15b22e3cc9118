//! Faults of a real machine: a disk that is full, folders that cannot be written, limits of the
//! shell. The run stops and says so; when there is room again a resume comes to the same result.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{SKIPPED, Sandbox, Scene, play, until};

const SCENES: &[Scene] = &[
    ("a full disk, at many moments (a tmpfs, as root)", full_disk),
    ("no inode left, at many moments (a tmpfs, as root)", no_inodes),
    ("`otto_logs` is read-only (a bind mount, as root)", || read_only(&["otto_logs"])),
    ("the cache is read-only (a bind mount, as root)", || read_only(&["../cache"])),
    ("`.git` is read-only (a bind mount, as root)", || read_only(&[".git"])),
    ("`.git/objects` is read-only (a bind mount, as root)", || read_only(&[".git/objects"])),
    ("`.git/refs` is read-only (a bind mount, as root)", || read_only(&[".git/refs"])),
    ("few files may be open (`ulimit -n`)", few_files),
    ("files may not grow (`ulimit -f`)", small_files),
];

#[test]
fn real_faults() {
    play("real-faults", ["what fails", "what happens"], SCENES);
}

/// Everything, instead of a sample.
fn torture() -> bool {
    std::env::var_os("OTTO_TORTURE").is_some()
}

/// A mount of this test, taken away at its end.
struct Mount {
    place: PathBuf,
    _dir: Option<tempfile::TempDir>,
}

impl Mount {
    fn tmpfs(options: &str) -> Option<Self> {
        let dir = tempfile::Builder::new().prefix("otto-fs-").tempdir().expect("a folder");
        let place = dir.path().canonicalize().expect("it is there");
        mount(&["-t", "tmpfs", "-o", options, "tmpfs"], &place)
            .then_some(Self { place, _dir: Some(dir) })
    }

    fn read_only(place: &Path) -> Option<Self> {
        let text = place.to_string_lossy().into_owned();
        if !mount(&["--bind", &text], place) {
            return None;
        }
        let closed = Self { place: place.to_owned(), _dir: None };
        // Refused while somebody has a file there open for writing.
        until("the folder is closed", || {
            let mut command = Command::new("mount");
            let done = command.args(["-o", "remount,bind,ro"]).arg(place).output();
            done.is_ok_and(|o| o.status.success()).then_some(())
        });
        Some(closed)
    }

    fn change(&self, options: &str) {
        assert!(mount(&["-o", &format!("remount,{options}")], &self.place), "remounted");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.place).output());
    }
}

fn mount(args: &[&str], place: &Path) -> bool {
    let done = Command::new("mount").args(args).arg(place).output();
    let done = done.map_err(|e| e.to_string()).and_then(|o| match o.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&o.stderr).trim().to_owned()),
    });
    if let Err(why) = &done {
        println!("skipped: mount needs root and its own rights: {why}");
    }
    done.is_ok()
}

/// A session on a disk of its own with this much `left`; given room afterwards. The code that the
/// run had.
fn on_a_disk(name: &str, used: &str, unit: u64, left: u64) -> Option<i32> {
    let disk = Mount::tmpfs("size=256m")?;
    let s = Sandbox::project_in(&disk.place).and_points();
    s.compiled(2);
    let answer = Command::new("df").arg(format!("--output={used}")).arg(&disk.place).output();
    let text = String::from_utf8(answer.expect("df").stdout).expect("text");
    let now: u64 = text.lines().last().expect("a number").trim().parse().expect("a number");
    disk.change(&format!("{name}={}", (now + left) * unit));
    let first = s.command(&["run", "--resume"]).output().expect("otto starts");
    let code = first.status.code().expect("no signal");
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    assert!([0, 78].contains(&code), "{left}: {code}: {said}");
    disk.change("size=256m,nr_inodes=100000");
    s.nothing_runs();
    if code != 0 {
        // By its id: what was recorded when there was no room may say that it is over.
        let again = s.command(&["run", "--resume", &s.session()]).output();
        let again = again.expect("otto starts");
        let told = String::from_utf8_lossy(&again.stderr);
        assert_eq!(again.status.code(), Some(0), "{left} left, {code}: {said}\n---\n{told}");
    }
    s.assert_whole(&["g1", "g2"]);
    Some(code)
}

fn sweep(name: &str, used: &str, unit: u64, sizes: &[u64], step: usize) -> &'static str {
    let mut stopped = 0;
    for left in sizes.iter().step_by(if torture() { 1 } else { step }) {
        match on_a_disk(name, used, unit, *left) {
            None => return SKIPPED,
            Some(0) => {}
            Some(_) => stopped += 1,
        }
    }
    assert!(stopped > 2, "the sizes are too large: {stopped}");
    "the run stops with 78; with room again the resume comes to the same landings, once each"
}

fn full_disk() -> &'static str {
    let sizes: Vec<u64> = (0..100).map(|n| n * 8).collect();
    sweep("size", "used", 1024, &sizes, 20)
}

fn no_inodes() -> &'static str {
    let counts: Vec<u64> = (0..90).map(|n| n * 3).collect();
    sweep("nr_inodes", "iused", 1, &counts, 22)
}

/// The folder cannot be written while an agent works, and from the start.
fn read_only(folder: &[&str]) -> &'static str {
    let s = Sandbox::with_points();
    s.compiled(2);
    std::fs::create_dir_all(s.at("cache/otto")).expect("a folder");
    let place = s.project.join(folder[0]).canonicalize().expect("it is there");
    let Some(closed) = Mount::read_only(&place) else { return SKIPPED };
    let first = s.command(&["run", "--resume"]).output().expect("otto starts");
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    assert_eq!(first.status.code(), Some(78), "{said}");
    assert!(said.contains("Read-only file system") || said.contains("read-only"), "{said}");
    drop(closed);
    s.run(0, &["run", "--resume", &s.session()]);
    s.assert_whole(&["g1", "g2"]);
    s.compiled(2);
    s.hold("half.g1");
    let run = s.start_as("a", &["run", "--resume", &s.session()]);
    s.held("half.g1");
    s.wait_for("merge.landed", 1);
    let Some(closed) = Mount::read_only(&place) else { return SKIPPED };
    s.let_go("half.g1");
    let code = run.end();
    assert!([0, 78].contains(&code), "{code}: {}", s.said("a"));
    drop(closed);
    let again = s.command(&["run", "--resume", &s.session()]).output();
    let again = again.expect("otto starts");
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stderr));
    s.assert_whole(&["g1", "g2"]);
    "78 with the path and the cause, from the start or while an agent works; then it goes on"
}

fn limited(limit: &str, values: &[u32]) -> usize {
    let mut stopped = 0;
    for value in values {
        let s = Sandbox::with_points();
        s.compiled(2);
        let line = format!("ulimit {limit} {value} && exec otto run --resume");
        let mut command = s.command(&[]);
        let mut shell = Command::new("sh");
        shell.envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))));
        let first = shell.args(["-c", &line]).current_dir(&s.project).output().expect("a shell");
        let said = String::from_utf8_lossy(&first.stderr).into_owned();
        assert!(!said.contains("panicked"), "{value}: {said}");
        let code = first.status.code().unwrap_or(-1);
        assert!([0, 78].contains(&code), "{value}: {code}: {said}");
        s.nothing_runs();
        if code != 0 {
            stopped += 1;
            command = s.command(&["run", "--resume", &s.session()]);
            let again = command.output().expect("otto starts");
            let told = String::from_utf8_lossy(&again.stderr);
            assert_eq!(again.status.code(), Some(0), "{value}: {code}: {said}\n---\n{told}");
        }
        s.assert_whole(&["g1", "g2"]);
    }
    stopped
}

fn few_files() -> &'static str {
    let all: Vec<u32> = (6..40).collect();
    let some = [7, 11, 15];
    assert!(limited("-n", if torture() { &all } else { &some }) > 0);
    "the run stops with 78, without a panic; without the limit it goes on"
}

fn small_files() -> &'static str {
    let all: Vec<u32> = (1..40).collect();
    let some = [1, 8, 16];
    assert!(limited("-f", if torture() { &all } else { &some }) > 0);
    "the write fails (EFBIG) and the run stops with 78; without the limit it goes on"
}
