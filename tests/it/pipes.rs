//! Which session a stage works on, and what goes through the pipe.

use serde_json::Value;

use crate::harness::{Sandbox, Shape};

const CHAIN: &str = "otto compile --from-spec ../spec.json | otto build-group --all | otto merge | otto audit | otto render";

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|l| serde_json::from_str(l).expect("JSON lines only")).collect()
}

#[test]
fn the_steps_of_a_run_as_a_pipe() {
    let s = Sandbox::project();
    s.spec(&Shape::of(3).needs("g3", &["g1"]));
    let done = s.shell(0, CHAIN);
    s.assert_landed_once(&["g1", "g2", "g3"]);
    let lines = lines(&done.stdout);
    assert_eq!(lines[0]["otto"], "session");
    assert_eq!(lines[0]["session"], s.session());
    let last = lines.last().expect("an end");
    assert_eq!(
        (&last["otto"], &last["stage"], &last["exit"]),
        (&"end".into(), &"render".into(), &0.into())
    );
    let landings = lines.iter().filter(|l| l["otto"] == "landing").count();
    assert_eq!(landings, 3, "what upstream said is passed on");
    assert!(lines.iter().any(|l| l["otto"] == "proof"));
}

#[test]
fn a_pipe_whose_first_stage_fails_leaves_yesterdays_session_alone() {
    let s = Sandbox::project();
    s.spec(&Shape::of(1));
    s.shell(0, CHAIN);
    let before = std::fs::read(s.session_dir().join("spec-state.jsonl")).expect("a journal");
    let session = s.session();
    std::fs::write(s.at("spec.json"), "{\"v\":1}").expect("written");
    let line = CHAIN.replace("otto render", "otto render; echo \"last $?\"");
    let done = s.shell(0, &line);
    assert!(done.stdout.ends_with("last 65\n"), "{}", done.stdout);
    assert!(done.stderr.contains("without a session handle"), "{}", done.stderr);
    assert_eq!(s.session(), session);
    let after = std::fs::read(s.session_dir().join("spec-state.jsonl")).expect("a journal");
    assert!(before == after, "the journal was touched");
    let sessions = std::fs::read_dir(s.project.join("otto_logs/sessions")).expect("sessions");
    assert_eq!(sessions.count(), 1);
}

#[test]
fn a_stage_knows_its_session_or_refuses() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    let first = s.session();
    s.run(0, &["compile", "--from-spec", &spec]);
    let second = s.session();
    let handle = |sid: &str| format!(r#"{{"otto":"session","v":1,"session":"{sid}"}}"#);

    // An empty stream is never the latest session.
    let empty = s.shell(65, "true | otto build-group --all");
    assert!(empty.stderr.contains("hint:"), "{}", empty.stderr);
    s.shell(65, "echo '{\"otto\":\"end\"}' | otto render");
    s.shell(65, "echo nonsense | otto render");

    // Named twice, differently.
    let both = format!("echo '{}' | otto render --session {second} --stdin", handle(&first));
    assert!(s.shell(2, &both).stderr.contains(&second));
    let env = format!("echo '{}' | OTTO_SESSION={second} otto render", handle(&first));
    assert!(s.shell(2, &env).stderr.contains("OTTO_SESSION"));
    // The same twice is no contradiction; standard input that is not asked for is not read.
    let same = format!(
        "(echo '{}'; echo '{{\"otto\":\"end\",\"v\":1,\"stage\":\"x\",\"exit\":0}}') | OTTO_SESSION={first} otto render",
        handle(&first)
    );
    s.shell(1, &same);
    s.shell(1, &format!("echo nonsense | otto render --session {first}"));

    // Without any: the environment, else the latest, and it is said.
    let env = s.shell(1, &format!("OTTO_SESSION={first} otto render </dev/null"));
    assert!(env.stdout.contains(&first));
    let latest = s.shell(1, "otto render </dev/null");
    assert!(latest.stdout.contains(&second));
    assert!(latest.stderr.contains("latest"), "{}", latest.stderr);
}

#[test]
fn an_upstream_that_was_cut_or_waits_stops_what_follows() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    let handle = format!(r#"{{"otto":"session","v":1,"session":"{}"}}"#, s.session());
    let cut = s.shell(75, &format!("echo '{handle}' | otto render"));
    assert!(cut.stderr.contains("hint:"), "{}", cut.stderr);
    for exit in [75, 77] {
        let end = format!(r#"{{"otto":"end","v":1,"stage":"merge","exit":{exit},"reason":"x"}}"#);
        let line = format!("printf '%s\\n' '{handle}' '{end}' | otto audit");
        s.shell(exit, &line);
    }
    assert_eq!(s.events("audit.started").len(), 0);
    // The queue lands what is there, then says that it will succeed later.
    s.run(0, &["build-group", "--all", "--session", "latest"]);
    s.shell(75, &format!("echo '{handle}' | otto merge"));
    assert_eq!(s.landings(), ["g1"]);
}

#[test]
fn a_reader_that_goes_away_ends_a_stage_quietly() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    let done = s.shell(0, "otto log --all --json | head -n 1; otto help | true");
    assert!(!done.stderr.contains("panicked"), "{}", done.stderr);
    assert_eq!(done.stderr, "");
}
