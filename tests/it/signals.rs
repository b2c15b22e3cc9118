//! Signals at every phase: once, and what must not be left half done is finished; twice, and
//! everything ends at once. Either way nothing runs on, and a resume goes on.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::harness::{Running, Sandbox, Scene, play, until};

const SCENES: &[Scene] = &[
    ("SIGINT while an agent works", || once("half.g1", libc::SIGINT)),
    ("SIGTERM while an attempt is checked", || once("check.g1", libc::SIGTERM)),
    ("SIGINT while a candidate is checked", || once("both.g2", libc::SIGINT)),
    ("SIGTERM between the announcement of a landing and its ref", landing_once),
    ("SIGINT while the product is audited", || once("both.g1", libc::SIGINT)),
    ("SIGTERM while the certifier answers", certifier),
    ("SIGHUP: the terminal is closed", || once("half.g1", libc::SIGHUP)),
    ("SIGINT twice while an agent works that ignores it", twice_agent),
    ("SIGTERM twice while a candidate is checked", || twice("both.g2", libc::SIGTERM)),
    ("SIGINT twice while a landing waits for the lock of the refs", landing_twice),
    ("SIGINT twice while the product is audited", || twice("both.g1", libc::SIGINT)),
    ("SIGQUIT while an agent works", quit),
    ("Ctrl-C: SIGINT to the whole foreground group of `build-group --all | merge`", ctrl_c),
    ("SIGINT to `otto build-group` by hand", || by_hand("half.g1", &["build-group", "--all"])),
    ("SIGINT to `otto merge` by hand", || by_hand("both.g2", &["merge"])),
    ("SIGINT to `otto audit` by hand", || by_hand("both.g1", &["audit"])),
    ("SIGSTOP of the run, a step and the agent, then SIGCONT", stopped),
    ("SIGKILL of the run while an agent's daemon runs on", daemon),
    ("the reader of standard output and standard error is gone", no_reader),
    ("the reader of a stage goes away in the middle", reader_leaves),
];

#[test]
fn signals() {
    play("signals", ["what is sent", "what happens"], SCENES);
}

/// A run of two groups that waits at the point. Work that the point comes after is done.
fn at(point: &str) -> (Sandbox, Running) {
    let s = Sandbox::with_points();
    s.compiled(2);
    if point.starts_with("both.") {
        s.run(0, &["build-group", "--session", "latest", "--all"]);
    }
    s.hold(point);
    let run = s.start_as("a", &["run", "--resume"]);
    s.held(point);
    (s, run)
}

fn ended_by(s: &Sandbox, run: Running, signal: i32) {
    assert_eq!(run.end(), 128 + signal, "{}", s.said("a"));
    let left = s.leftovers();
    let what = |pid: &i32| {
        let read = |of: &str| std::fs::read_to_string(format!("/proc/{pid}/{of}"));
        (read("stat").unwrap_or_default(), read("cmdline").unwrap_or_default().replace('\0', " "))
    };
    assert_eq!(left, [0; 0], "something runs on: {:?}", left.iter().map(what).collect::<Vec<_>>());
}

fn resumes(s: &Sandbox) {
    s.no_points();
    s.run(0, &["run", "--resume"]);
    s.assert_whole(&["g1", "g2"]);
}

fn once(point: &str, signal: i32) -> &'static str {
    let (s, run) = at(point);
    run.signal(signal);
    ended_by(&s, run, signal);
    assert!(s.said("a").contains("otto run --resume"), "{}", s.said("a"));
    assert!(s.run(1, &["status"]).stdout.contains("paused: stopped by SIG"));
    resumes(&s);
    match signal {
        libc::SIGINT => "130; recorded; nothing runs on; resumed",
        libc::SIGTERM => "143; recorded; nothing runs on; resumed",
        _ => "129; recorded; nothing runs on; resumed",
    }
}

fn twice(point: &str, signal: i32) -> &'static str {
    let (s, run) = at(point);
    run.signal_taken(signal);
    run.signal(signal);
    ended_by(&s, run, signal);
    resumes(&s);
    match signal {
        libc::SIGINT => "130; nothing runs on; resumed",
        _ => "143; nothing runs on; resumed",
    }
}

fn twice_agent() -> &'static str {
    let (s, run) = {
        let s = Sandbox::with_points();
        let agent = std::fs::read_to_string(s.at("agent.sh")).expect("an agent");
        s.script(&s.at("agent.sh"), &agent.replace("set -eu\n", "set -eu\ntrap '' INT TERM HUP\n"));
        s.compiled(2);
        s.hold("half.g1");
        let run = s.start_as("a", &["run", "--resume"]);
        s.held("half.g1");
        (s, run)
    };
    run.signal_taken(libc::SIGINT);
    run.signal(libc::SIGINT);
    ended_by(&s, run, libc::SIGINT);
    resumes(&s);
    let ends = s.events("group.attempt.finished");
    let half = |e: &&serde_json::Value| {
        e["group"] == "g1"
            && e["data"]["outcome"] == "interrupted"
            && e["data"]["commit"].is_string()
    };
    assert_eq!(ends.iter().filter(half).count(), 1, "the half was kept, not thrown away");
    "130; the agent is killed, what it left is judged on resume"
}

/// A landing that waits for the lock of the refs, which the test holds.
fn landing() -> (Sandbox, Running, std::fs::File) {
    let (s, run) = at("both.g2");
    let path = s.project.join("otto_logs/locks/refs.lock");
    let refs = std::fs::OpenOptions::new().append(true).open(path).expect("opened");
    refs.lock().expect("its lock");
    s.let_go("both.g2");
    until("the landing waits", || {
        let waits = |pid: i32| {
            let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
            tasks.flatten().any(|t| {
                let call = std::fs::read_to_string(t.path().join("syscall")).unwrap_or_default();
                call.starts_with(&format!("{} ", libc::SYS_flock))
            })
        };
        s.leftovers().into_iter().any(waits).then_some(())
    });
    (s, run, refs)
}

fn landing_once() -> &'static str {
    let (s, run, refs) = landing();
    run.signal(libc::SIGTERM);
    drop(refs);
    ended_by(&s, run, libc::SIGTERM);
    resumes(&s);
    "143; what was announced is finished, or on resume; it lands once"
}

fn landing_twice() -> &'static str {
    let (s, run, refs) = landing();
    run.signal_taken(libc::SIGINT);
    run.signal(libc::SIGINT);
    ended_by(&s, run, libc::SIGINT);
    drop(refs);
    resumes(&s);
    "130 at once, although the lock is still held; it lands on resume"
}

fn certifier() -> &'static str {
    let s = Sandbox::with_points();
    let agent = std::fs::read_to_string(s.at("agent.sh")).expect("an agent");
    let answer = r#"{"features":[{"id":"f-g1","verdict":"passed","why":"seen"}]}"#;
    let part = format!(
        "if [ \"$OTTO_ROLE\" = certifier ]; then cat >/dev/null\n\
         if [ -p \"$HOME/hold/certifier\" ]; then : >\"$HOME/marks/certifier\"; read -r go <\"$HOME/hold/certifier\"; fi\n\
         echo '{answer}'; exit; fi\n"
    );
    s.script(&s.at("agent.sh"), &agent.replace("set -eu\n", &format!("set -eu\n{part}")));
    s.write("otto.yaml", &s.read("otto.yaml").replace("{provider: none}", "{provider: command}"));
    s.commit("a certifier");
    s.compiled(1);
    s.hold("certifier");
    let run = s.start_as("a", &["run", "--resume"]);
    s.held("certifier");
    run.signal(libc::SIGTERM);
    ended_by(&s, run, libc::SIGTERM);
    s.no_points();
    let done = s.command(&["run", "--resume"]).output().expect("otto");
    assert!(matches!(done.status.code(), Some(0 | 1)), "{done:?}");
    assert_eq!(s.events("audit.finished").len(), 1, "an audit without its answer is none");
    s.assert_landed_once(&["g1"]);
    "143; the audit is done again, with its answer"
}

fn quit() -> &'static str {
    let (s, run) = at("half.g1");
    run.signal(libc::SIGQUIT);
    ended_by(&s, run, libc::SIGQUIT);
    resumes(&s);
    "131 at once, without a core file; nothing runs on; resumed"
}

/// Its own process group, as a shell makes one for a job.
fn job(s: &Sandbox, line: &str) -> (Running, i32) {
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(&s.project).stdin(Stdio::null());
    command.env_clear().envs(s.command(&[]).get_envs().filter_map(|(k, v)| Some((k, v?))));
    let file = |name: &str| std::fs::File::create(s.at(name)).expect("a file");
    command.stdout(file("a.out")).stderr(file("a.err")).process_group(0);
    let child = command.spawn().expect("a shell");
    let group = child.id() as i32;
    (Running::new(child), group)
}

fn ctrl_c() -> &'static str {
    let s = Sandbox::with_points();
    s.compiled(2);
    s.hold("half.g1");
    let line = "trap : INT; otto build-group --session latest --all | otto merge; exit $?";
    let (shell, group) = job(&s, line);
    s.held("half.g1");
    // SAFETY: a signal to the process group that this test has just made.
    assert_eq!(unsafe { libc::kill(-group, libc::SIGINT) }, 0);
    assert_eq!(shell.end(), 130, "{}", s.said("a"));
    s.nothing_runs();
    resumes(&s);
    "130 from every stage; nothing runs on; resumed"
}

fn by_hand(point: &str, args: &[&str]) -> &'static str {
    let s = Sandbox::with_points();
    s.compiled(2);
    if point != "half.g1" {
        s.run(0, &["build-group", "--session", "latest", "--all"]);
    }
    if args[0] == "audit" {
        s.run(0, &["merge", "--session", "latest"]);
    }
    s.hold(point);
    let step = s.start_as("a", &[args, &["--session", "latest"]].concat());
    s.held(point);
    step.signal(libc::SIGINT);
    ended_by(&s, step, libc::SIGINT);
    resumes(&s);
    "130; nothing runs on; `otto run --resume` takes it up"
}

fn stopped() -> &'static str {
    let (s, run) = at("half.g1");
    let everybody = s.leftovers();
    for signal in [libc::SIGSTOP, libc::SIGCONT] {
        for pid in &everybody {
            // SAFETY: a signal to a process that this test has started.
            unsafe { libc::kill(*pid, signal) };
        }
    }
    s.let_go("half.g1");
    assert_eq!(run.end(), 0, "{}", s.said("a"));
    assert_eq!(s.events("group.attempt.started").len(), 2, "nothing timed out");
    s.assert_whole(&["g1", "g2"]);
    "nothing; limits are counted only while somebody looks (`process::countdown`)"
}

/// An agent whose daemon leaves its session and clears nothing away.
fn daemon() -> &'static str {
    let s = Sandbox::with_points();
    let agent = std::fs::read_to_string(s.at("agent.sh")).expect("an agent");
    let part = "if [ ! -f \"$HOME/started\" ]; then : >\"$HOME/started\"\n\
                setsid sh -c 'while :; do read -r x <\"$HOME/never\"; done' & fi\n";
    s.script(&s.at("agent.sh"), &agent.replace("set -eu\n", &format!("set -eu\n{part}")));
    s.gate("never");
    s.compiled(2);
    s.hold("half.g1");
    let run = s.start_as("a", &["run", "--resume", "--jobs", "1"]);
    s.held("half.g1");
    run.kill();
    // The daemon has nobody who would end it; everything else goes with the run.
    until("the daemon alone", || (s.leftovers().len() == 1).then_some(()));
    resumes(&s);
    "the next run ends it: it works in a worktree that nobody holds"
}

fn no_reader() -> &'static str {
    let s = Sandbox::with_points();
    s.compiled(2);
    s.hold("agent.g1");
    let mut command = s.command(&["run", "--resume"]);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("otto starts");
    drop((child.stdout.take(), child.stderr.take()));
    let run = Running::new(child);
    s.held("agent.g1");
    s.let_go("agent.g1");
    assert_eq!(run.end(), 0);
    s.assert_whole(&["g1", "g2"]);
    "the run goes on to its end: its result is in the repository"
}

fn reader_leaves() -> &'static str {
    let s = Sandbox::with_points();
    s.compiled(2);
    let line = "otto build-group --session latest --all | head -n 1 >/dev/null";
    let (shell, _) = job(&s, line);
    shell.end();
    s.nothing_runs();
    resumes(&s);
    "the stage ends at its next line, without a word about it; resumed"
}
