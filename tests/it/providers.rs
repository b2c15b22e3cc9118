//! The provider programs as processes: one request line in, events out, exactly one `done`.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{Sandbox, Shape, write};

fn ask(s: &Sandbox, program: &str, settings: Value) -> Vec<Value> {
    write(&s.at("turn/prompt.md"), "do it");
    let request = json!({"v": 1, "role": "build", "session": "20260101-000000-abcd", "group": "g1",
        "attempt": 1, "prompt_file": s.at("turn/prompt.md"), "workdir": s.project, "resume": null,
        "model": null, "effort": null, "max_turns": 10, "deadline": "2126-01-01T00:00:00Z",
        "budget_usd": null, "schema_file": null, "output_file": s.at("turn/output.json"),
        "sandbox": {"tier": "worktree"}, "settings": settings, "secrets": []});
    let mut command = s.command(&[program]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("otto starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    writeln!(stdin, "{request}").expect("written");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("text");
    let events: Vec<Value> =
        text.lines().map(|l| serde_json::from_str(l).expect("JSON lines only")).collect();
    let done = |e: &&Value| e.to_string().contains("\"done\"");
    assert_eq!(events.iter().filter(done).count(), 1, "{text}");
    assert!(events.last().is_some_and(|e| done(&e)), "done is the last: {text}");
    events
}

#[test]
fn a_program_is_an_agent() {
    let s = Sandbox::project();
    let events = ask(&s, "provider-command", json!({"argv": [s.at("agent.sh")]}));
    assert!(!events.is_empty());
    assert_eq!(s.read("g1/work"), "done g1\n");
}

#[test]
fn a_program_that_is_not_there_is_said_and_ends() {
    let s = Sandbox::project();
    let events = ask(&s, "provider-command", json!({"argv": ["/no/such/agent"]}));
    assert!(events.iter().any(|e| e.to_string().contains("missing_tool")), "{events:?}");
    let events = ask(&s, "provider-replay", json!({"dir": s.at("nowhere")}));
    assert!(events.iter().any(|e| e.to_string().contains("error")), "{events:?}");
}

/// A provider of somebody else's: `otto-provider-<name>` beside the agent.
fn provider(s: &Sandbox, name: &str, body: &str) {
    let text = format!("#!/bin/sh\nread -r request\n{body}\n");
    s.script(&s.at("home").join(format!("otto-provider-{name}")), &text);
}

fn run_with(s: &Sandbox, code: i32, name: &str, args: &str) -> crate::harness::Done {
    s.shell(code, &format!("PATH=$HOME:$PATH otto run {args} --provider {name}"))
}

const WORK: &str = r#"mkdir -p g1; echo "done g1" >g1/work"#;

#[test]
fn a_limit_of_the_provider_waits_and_says_until_when() {
    let s = Sandbox::project();
    s.spec(&Shape::of(1));
    provider(
        &s,
        "busy",
        r#"if [ -f "$HOME/open" ]; then mkdir -p g1; echo "done g1" >g1/work; echo '{"event":"done","reason":"end"}'; exit; fi
echo '{"event":"rate_limited","until":"2126-11-20T10:30:00Z"}'
echo '{"event":"error","class":"rate_limit","message":"slow down"}'
echo '{"event":"done","reason":"error"}'"#,
    );
    let waits = run_with(&s, 75, "busy", "--from-spec ../spec.json");
    assert!(waits.stderr.contains("retry at: 2126-11-20T10:30:00Z"), "{}", waits.stderr);
    assert_eq!(s.events("group.failed").len(), 0, "a wait is no failure");
    write(&s.home("open"), "");
    run_with(&s, 0, "busy", "--resume");
    s.assert_landed_once(&["g1"]);
}

#[test]
fn a_provider_that_breaks_the_protocol_is_judged_by_the_tree() {
    for (name, says) in [
        ("mute", "exit 0"),
        ("killed", "kill -9 $$"),
        ("noise", "echo not json; echo '{\"event\":\"unheard-of\"}'; exit 3"),
        (
            "twice",
            "echo '{\"event\":\"done\",\"reason\":\"end\"}'; echo '{\"event\":\"done\",\"reason\":\"x\"}'",
        ),
    ] {
        let s = Sandbox::project();
        s.spec(&Shape::of(1));
        provider(&s, name, &format!("{WORK}\n{says}"));
        run_with(&s, 0, name, "--from-spec ../spec.json");
        s.assert_landed_once(&["g1"]);
    }
}

#[test]
fn an_account_that_does_not_work_is_not_tried_again() {
    let s = Sandbox::project();
    s.spec(&Shape::of(1));
    provider(
        &s,
        "locked",
        r#"echo '{"event":"error","class":"auth","message":"log in first"}'; echo '{"event":"done","reason":"error"}'"#,
    );
    run_with(&s, 1, "locked", "--from-spec ../spec.json");
    assert_eq!(s.events("group.attempt.started").len(), 1);
    let reason = s.events("group.failed")[0]["data"]["reason"].to_string();
    assert!(reason.contains("log in first"), "{reason}");
}
