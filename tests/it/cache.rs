//! The result cache between processes: the same check runs once, whoever wants it; a process that is
//! killed leaves its turn to the next; `--no-cache` runs everything.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use otto::git::Oid;
use otto::session::event::CheckPhase;
use otto::session::{Session, Workspace};
use otto::stage::build::{Commit, run_checks};
use otto::stage::{Context, Silent};

use crate::harness::{Sandbox, Shape, until};

const WORKER: &str = "OTTO_IT_CACHE_WORKER";

/// Not a test by itself: the body of the processes below, which judge the first group's check at a
/// commit and print whether somebody else had run it.
#[test]
fn worker() {
    let Ok(place) = std::env::var(WORKER) else { return };
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let commit: Oid = std::env::var("COMMIT").expect("a commit").parse().expect("an id");
    let ws = Workspace::open(&PathBuf::from(place), "worker").expect("a workspace");
    let session = Session::open(&ws, "latest").expect("a session");
    let ctx = Context::open_to_work(&ws, &session, &Silent).expect("a context");
    let group = ctx.group("g1").expect("the group");
    let at = Commit {
        group,
        attempt: 1,
        phase: CheckPhase::Attempt,
        commit,
        base: ctx.base(),
        changes: &[],
    };
    let checks: Vec<_> = group.checks.iter().collect();
    let ran = run_checks(&ctx, at, &checks).expect("it is judged");
    println!("\nworker: cached {} {}", ran[0].cached, ran[0].outcome.status().word());
}

struct Bench {
    s: Sandbox,
    commit: String,
}

impl Bench {
    fn new() -> Self {
        let s = Sandbox::project();
        s.gate("go");
        s.on_check("echo run >>\"$HOME/runs\"; mkdir -p \"$HOME/marks\"; : >\"$HOME/marks/runs\"\nread x <\"$HOME/go\"");
        let spec = s.spec(&Shape::of(1));
        s.run(0, &["compile", "--from-spec", &spec]);
        s.write("g1/work", "done g1\n");
        let commit = s.commit("the work");
        Self { s, commit }
    }

    fn start(&self, err: &str) -> std::process::Child {
        let program = std::env::current_exe().expect("this program");
        let mut command = self.s.prepared(program.as_os_str());
        command.args(["--exact", "cache::worker", "--nocapture", "--test-threads=1"]);
        command.env(WORKER, &self.s.project).env("COMMIT", &self.commit);
        let err = std::fs::File::create(self.s.at(err)).expect("a file");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(err);
        spawn(command)
    }

    fn runs(&self) -> usize {
        std::fs::read_to_string(self.s.home("runs")).unwrap_or_default().lines().count()
    }

    fn waits(&self, err: &str) {
        let path = self.s.at(err);
        until("a waiting process", || {
            let said = std::fs::read_to_string(&path).unwrap_or_default();
            said.contains("waiting for the same check").then_some(())
        });
    }
}

fn spawn(mut command: Command) -> std::process::Child {
    command.spawn().expect("it starts")
}

fn said(child: std::process::Child) -> String {
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|l| l.strip_prefix("worker: ").map(str::to_owned)).unwrap_or(text)
}

#[test]
fn two_processes_run_the_same_check_once() {
    let b = Bench::new();
    let first = b.start("first.err");
    b.s.mark("runs");
    let second = b.start("second.err");
    b.waits("second.err");
    b.s.open_gate("go");
    assert_eq!(said(first), "cached false passed");
    assert_eq!(said(second), "cached true passed");
    assert_eq!(b.runs(), 1);
    let left = b.s.project.join("otto_logs/cache/check/running");
    assert_eq!(std::fs::read_dir(left).expect("the folder").count(), 0, "nothing is left behind");
}

#[test]
fn a_killed_process_leaves_its_turn_to_the_next() {
    let b = Bench::new();
    let mut first = b.start("first.err");
    b.s.mark("runs");
    let second = b.start("second.err");
    b.waits("second.err");
    let own = [first.id() as i32, second.id() as i32];
    let of_its_check: Vec<i32> =
        b.s.leftovers().into_iter().filter(|pid| !own.contains(pid)).collect();
    first.kill().expect("killed");
    first.wait().expect("it ended");
    for pid in of_its_check {
        // SAFETY: a signal to a process that the killed one started.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
    until("the check runs again", || (b.runs() == 2).then_some(()));
    b.s.open_gate("go");
    assert_eq!(said(second), "cached false passed");
}

#[test]
fn without_the_cache_everything_runs() {
    let s = Sandbox::project();
    s.on_check("echo run >>\"$HOME/runs\"");
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    let runs = || std::fs::read_to_string(s.home("runs")).unwrap_or_default().lines().count();
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    let built = runs();
    // The candidate has the attempt's tree, so that nothing has to run again.
    s.run(0, &["merge", "--session", "latest"]);
    assert_eq!(runs(), built);
    let s = Sandbox::project();
    s.on_check("echo run >>\"$HOME/runs\"");
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    s.run(0, &["build-group", "--session", "latest", "--all", "--no-cache"]);
    s.run(0, &["merge", "--session", "latest", "--no-cache"]);
    let runs = std::fs::read_to_string(s.home("runs")).unwrap_or_default().lines().count();
    assert_eq!(runs, built + 1);
    // A run says it to its steps.
    let s = Sandbox::project();
    s.on_check("echo run >>\"$HOME/runs\"");
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec, "--no-cache"]);
    let cached = s.events("group.check.finished");
    assert!(cached.iter().all(|e| e["data"]["cached"] != true), "{cached:?}");
}
