//! The provider programs as processes: one request line in, events out, exactly one `done`.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{Sandbox, write};

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
