//! SIGKILL at the system calls of the landing step, and of every git that it starts: a run that is
//! resumed after it comes to the same landings, once each.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::harness::{Matrix, Sandbox};

/// Calls that change what outlives the process. `openat` is among them for the files it makes.
const CALLS: [&str; 12] = [
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "syncfs",
    "ftruncate",
    "rename",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "openat",
];
/// Of so many moments of each call, without OTTO_TORTURE.
const SAMPLE: usize = 1;

#[test]
fn killed_at_system_calls_of_a_landing() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: there is no strace");
        return;
    }
    let s = Sandbox::with_points();
    s.compiled(2);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    let saved = s.at("saved");
    copy(&s, &[("project", "saved/project"), ("cache", "saved/cache")]);
    let counts = count(&s);
    if counts.is_empty() {
        println!("skipped: strace may not trace here");
        return;
    }
    let mut table = Matrix::new("system-calls", &["killed at", "what happens"]);
    for call in CALLS {
        let last = counts.get(call).copied().unwrap_or(0);
        let all: Vec<usize> = (1..=last).collect();
        let step = if std::env::var_os("OTTO_TORTURE").is_some() { 1 } else { last / SAMPLE + 1 };
        // Not always the first: each call has its own place in the sample.
        let from = call.len() % step.min(last.max(1));
        let mut killed = 0;
        for n in all.iter().skip(from).step_by(step) {
            restore(&s, &saved);
            killed += usize::from(killed_at(&s, call, *n));
        }
        assert!(killed > 0 || last == 0, "{call}: nobody was killed");
        let name = format!("`{call}`");
        table.row(&[&name, "the resume comes to the same landings, once each; nothing is left"]);
    }
    table.check();
}

fn copy(s: &Sandbox, pairs: &[(&str, &str)]) {
    for (from, to) in pairs {
        std::fs::create_dir_all(s.at(to).parent().expect("a folder")).expect("a folder");
        let done = Command::new("cp").arg("-a").arg(s.at(from)).arg(s.at(to)).status();
        assert!(done.expect("cp").success());
    }
}

fn restore(s: &Sandbox, saved: &Path) {
    assert!(saved.is_dir());
    // The folder itself stays: programs are started in it.
    for name in ["project", "cache"] {
        std::fs::remove_dir_all(s.at(name)).expect("removed");
    }
    copy(s, &[("saved/project", "project"), ("saved/cache", "cache")]);
}

/// `otto merge` under strace.
fn traced(s: &Sandbox, options: &[&str]) -> std::process::Output {
    let plain = s.command(&["merge", "--session", "latest"]);
    let mut command = Command::new("strace");
    command.env_clear().envs(plain.get_envs().filter_map(|(k, v)| Some((k, v?))));
    command.args(["-f", "-qq"]).args(options).arg("--");
    command.arg(plain.get_program()).args(plain.get_args()).current_dir(&s.project);
    command.stdin(std::process::Stdio::null()).output().expect("strace starts")
}

/// How often one thread at most makes each call, in a merge that nobody disturbs.
fn count(s: &Sandbox) -> BTreeMap<String, usize> {
    let log = s.at("calls");
    let trace = format!("trace={}", CALLS.join(","));
    let done = traced(s, &["-o", &log.to_string_lossy(), "-e", &trace]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = std::fs::read(&log).unwrap_or_default();
    let mut each: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in String::from_utf8_lossy(&text).lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let Some((call, _)) = rest.trim_start().split_once('(') else { continue };
        *each.entry((call.to_owned(), pid.to_owned())).or_default() += 1;
    }
    let mut most = BTreeMap::new();
    for ((call, _), n) in each {
        let known = most.entry(call).or_default();
        *known = n.max(*known);
    }
    most
}

/// Whether somebody was killed: threads share the work differently from run to run.
fn killed_at(s: &Sandbox, call: &str, n: usize) -> bool {
    let inject = format!("inject={call}:signal=KILL:when={n}");
    let trace = format!("trace={call}");
    let log = s.at("calls");
    traced(s, &["-o", &log.to_string_lossy(), "-e", &trace, "-e", &inject]);
    s.nothing_runs();
    let killed = std::fs::read(&log).unwrap_or_default();
    let killed = String::from_utf8_lossy(&killed).contains("killed by SIGKILL");
    println!("{call} {n}: killed: {killed}, {} landed", s.landings().len());
    let again = s.command(&["run", "--resume", &s.session()]).output().expect("otto starts");
    let said = String::from_utf8_lossy(&again.stderr);
    assert_eq!(again.status.code(), Some(0), "{call} {n}: {said}");
    s.assert_whole(&["g1", "g2"]);
    killed
}
