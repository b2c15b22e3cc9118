//! The clock of the machine is set, and the machine is started again, while a session is under way.

use serde_json::Value;

use crate::harness::{Running, Sandbox, Scene, play, write};

const SCENES: &[Scene] = &[
    ("an hour forward between a kill and the resume", || between(3600)),
    ("an hour back between a kill and the resume", || between(-3600)),
    ("an hour forward while an agent works", || during("half.g1", 3600)),
    ("an hour back while an agent works", || during("half.g1", -3600)),
    ("an hour forward while a check with a limit of a minute runs", || during("check.g1", 3600)),
    ("an hour back while a candidate is checked", || during("both.g2", -3600)),
    ("a ref's lock that a killed git left an hour ago", || old_lock("-1 hour")),
    ("the same, and then the clock was set back by two hours", || old_lock("+1 hour")),
    ("a reboot that took the last move of the integration branch", reboot),
    ("the integration branch at its previous tip without a reboot", no_reboot),
    ("a power cut while an agent works, after which a file of nobody's is empty", || torn("after")),
    ("the same file empty after a kill without a reboot", || torn("before")),
];

#[test]
fn clocks_and_reboots() {
    play("clocks-and-reboots", ["what happens to the machine", "what happens to the run"], SCENES);
}

/// Set by this many seconds.
fn set(s: &Sandbox, seconds: i64) {
    write(&s.at("shift"), &seconds.to_string());
}

/// A run with a budget of ten minutes on a clock that can be set.
fn run(s: &Sandbox, name: &str) -> Running {
    let mut command = s.command(&["run", "--resume", "--budget-seconds", "600"]);
    command.env("OTTO_CLOCK_SHIFT", s.at("shift"));
    s.start_command(name, command)
}

fn compiled() -> Sandbox {
    let s = Sandbox::with_points();
    let minute = |v: &mut Value| v["groups"][0]["checks"][0]["timeout_s"] = 60.into();
    let spec = s.spec(&crate::harness::Shape::of(2).with(minute));
    s.run(0, &["compile", "--from-spec", &spec]);
    s
}

/// Times that never go back, and durations that are none below zero.
fn sane(s: &Sandbox) {
    let at: Vec<String> = s.journal().iter().map(|e| e["at"].to_string()).collect();
    assert!(at.is_sorted(), "{at:?}");
    let proof = std::fs::read_to_string(s.session_dir().join("proof-packet.json")).expect("proof");
    let proof: Value = serde_json::from_str(&proof).expect("JSON");
    assert!(durations(&proof, "") > 4, "the proof has durations");
    s.assert_whole(&["g1", "g2"]);
}

fn durations(value: &Value, key: &str) -> usize {
    match value {
        Value::Object(map) => map.iter().map(|(k, v)| durations(v, k)).sum(),
        Value::Array(all) => all.iter().map(|v| durations(v, key)).sum(),
        Value::Number(n) if key.ends_with("_s") => {
            assert!(n.as_f64().is_some_and(|n| (0.0..600.0).contains(&n)), "{key}: {n}");
            1
        }
        _ => 0,
    }
}

fn between(seconds: i64) -> &'static str {
    let s = compiled();
    s.hold("half.g1");
    let first = run(&s, "a");
    s.held("half.g1");
    s.wait_for("merge.landed", 1);
    s.kill(first);
    s.no_points();
    set(&s, seconds);
    let second = run(&s, "b");
    assert_eq!(second.end(), 0, "{}", s.said("b"));
    sane(&s);
    match seconds {
        0.. => "nothing",
        _ => "nothing; what is recorded after it has the time of the last record before it",
    }
}

fn during(point: &str, seconds: i64) -> &'static str {
    let s = compiled();
    if point == "both.g2" {
        s.run(0, &["build-group", "--session", "latest", "--all"]);
    }
    s.hold(point);
    let first = run(&s, "a");
    s.held(point);
    set(&s, seconds);
    s.let_go(point);
    assert_eq!(first.end(), 0, "{}", s.said("a"));
    assert!(s.events("group.failed").is_empty());
    sane(&s);
    "nothing: limits are counted on the monotonic clock"
}

fn old_lock(written: &str) -> &'static str {
    let s = compiled();
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    let lock = s.project.join(".git").join(format!("{}.lock", s.integ()));
    write(&lock, "");
    let line = format!("touch -d '{written}' '{}'", lock.display());
    s.shell(0, &line);
    s.run(0, &["run", "--resume"]);
    s.assert_whole(&["g1", "g2"]);
    "it is more than a minute away in either direction and open in no process: removed"
}

/// g1 and g2 in, and the branch where it was before g2.
fn moved_back(boot: &str) -> (Sandbox, std::process::Output) {
    let s = compiled();
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    let with = |boot: &str, args: &[&str]| {
        s.command(args).env("OTTO_BOOT_ID", boot).output().expect("otto starts")
    };
    assert!(with("before", &["merge", "--session", "latest"]).status.success());
    let old = s.events("merge.landed")[1]["data"]["old"].as_str().expect("an id").to_owned();
    s.git(&["update-ref", &s.integ(), &old]);
    let again = with(boot, &["run", "--resume"]);
    (s, again)
}

fn reboot() -> &'static str {
    let (s, again) = moved_back("after");
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stderr));
    s.assert_whole(&["g1", "g2"]);
    "the branch is moved on again to what the journal says has landed"
}

fn no_reboot() -> &'static str {
    let (s, again) = moved_back("before");
    assert_eq!(again.status.code(), Some(77));
    assert!(String::from_utf8_lossy(&again.stderr).contains("was moved by somebody"));
    let tip = s.events("merge.landed")[1]["data"]["new"].as_str().expect("an id").to_owned();
    s.git(&["update-ref", &s.integ(), &tip]);
    s.run(0, &["run", "--resume"]);
    s.assert_whole(&["g1", "g2"]);
    "77: somebody moved it, and nobody knows why"
}

/// g1's agent has done its work, and is killed; README.md, which it did not touch, is empty.
fn torn(boot: &str) -> &'static str {
    let s = Sandbox::with_points();
    s.run(0, &["compile", "--from-spec", &s.spec(&crate::harness::Shape::of(1))]);
    let resume = |name: &str, boot: &str| {
        let mut command = s.command(&["run", "--resume"]);
        command.env("OTTO_BOOT_ID", boot);
        s.start_command(name, command)
    };
    s.hold("half.g1");
    let first = resume("a", "before");
    s.held("half.g1");
    s.kill(first);
    s.no_points();
    let leased = s.events("worktree.leased").pop().expect("a slot");
    let worktree = std::path::PathBuf::from(leased["data"]["path"].as_str().expect("a path"));
    write(&worktree.join("README.md"), "");
    let code = resume("b", boot).end();
    let ended = s.events("group.attempt.finished");
    let first = ended[0]["data"]["outcome"].as_str().expect("a word");
    if boot == "before" {
        assert_eq!((code, first), (1, "interrupted"), "{}", s.said("b"));
        return "the agent is blamed for it and has to mend it";
    }
    // It was half done.
    assert_eq!((code, first), (0, "interrupted"), "{}", s.said("b"));
    let log = std::fs::read_to_string(s.session_dir().join("steps/build-group.log")).expect("log");
    assert!(log.contains("restored, being nothing of the group's: README.md"), "{log}");
    s.assert_whole(&["g1"]);
    "the file is restored, and what the agent made is judged"
}
