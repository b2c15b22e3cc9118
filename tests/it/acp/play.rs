//! The fake agent with its script, and what came of a turn with it.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::{Sandbox, write};

/// The steps of one prompt, as a script of the fake agent.
pub struct Play {
    pub s: Sandbox,
    pub request: Value,
}

impl Play {
    pub fn new(steps: &[Value]) -> Self {
        Self::script(&steps.iter().map(say).collect::<String>())
    }

    pub fn script(body: &str) -> Self {
        let s = Sandbox::new();
        s.script(&s.at("script"), &format!("#!/bin/sh\ncat >\"$HOME/prompt\"\n{body}"));
        write(&s.at("turn/prompt.md"), "Do it.\n");
        let request = json!({"v": 1, "role": "build", "session": "20260101-000000-abcd",
            "group": "g1", "attempt": 1, "prompt_file": s.at("turn/prompt.md"),
            "workdir": s.project, "max_turns": 10, "deadline": "2126-01-01T00:00:00Z",
            "output_file": s.at("turn/output.json"), "state_dir": s.at("state"),
            "sandbox": {"tier": "worktree", "network": "on"},
            "settings": {"argv": argv(&s, &[])}});
        Self { s, request }
    }

    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.request[key] = value.into();
        self
    }

    pub fn options(mut self, options: &[&str]) -> Self {
        self.request["settings"]["argv"] = argv(&self.s, options);
        self
    }

    pub fn setting(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.request["settings"][key] = value.into();
        self
    }

    pub fn run(&self) -> Turn {
        self.run_and(|_| {})
    }

    /// What the fake agent's script is.
    pub fn script_text(&self) -> String {
        std::fs::read_to_string(self.s.at("script")).expect("a script")
    }

    /// `meanwhile` gets the provider's standard input, which stays open.
    pub fn run_and(&self, meanwhile: impl FnOnce(&mut dyn Write)) -> Turn {
        self.run_with(|_, stdin| meanwhile(stdin))
    }

    /// The same, and its process id.
    pub fn run_with(&self, meanwhile: impl FnOnce(i32, &mut dyn Write)) -> Turn {
        let mut command = self.s.command(&["provider-acp"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(std::fs::File::create(self.s.at("turn/stderr")).expect("a file"));
        let mut child = command.spawn().expect("otto starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        writeln!(stdin, "{}", self.request).expect("written");
        meanwhile(child.id() as i32, &mut stdin);
        let output = child.wait_with_output().expect("it ends");
        drop(stdin);
        let text = String::from_utf8(output.stdout).expect("text");
        let events: Vec<Value> =
            text.lines().map(|l| serde_json::from_str(l).expect("JSON lines only")).collect();
        let done = |e: &&Value| e["event"] == "done";
        assert_eq!(events.iter().filter(done).count(), 1, "{text}");
        assert!(events.last().is_some_and(|e| done(&e)), "done is the last: {text}");
        assert_eq!(self.s.leftovers(), [0; 0], "nothing is left running");
        let log = std::fs::read_to_string(self.s.home("acp.log")).unwrap_or_default();
        let sent = log.lines().map(|l| serde_json::from_str(l).expect("a message")).collect();
        Turn { events, sent, code: output.status.code() }
    }
}

pub fn argv(s: &Sandbox, options: &[&str]) -> Value {
    let fake = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fakes/acp_agent.py");
    let script = s.at("script").to_string_lossy().into_owned();
    let mut words = vec!["python3", fake, &script];
    words.extend(options);
    json!(words)
}

/// A shell line that prints a step.
pub fn say(step: &Value) -> String {
    format!("printf '%s\\n' '{}'\n", step.to_string().replace('\'', r"'\''"))
}

pub struct Turn {
    pub events: Vec<Value>,
    /// What the agent was sent.
    pub sent: Vec<Value>,
    pub code: Option<i32>,
}

impl Turn {
    pub fn all(&self, kind: &str) -> Vec<&Value> {
        self.events.iter().filter(|e| e["event"] == kind).collect()
    }

    pub fn end(&self) -> (&str, Option<&str>) {
        let reason = self.events.last().and_then(|e| e["reason"].as_str()).unwrap_or("");
        (reason, self.all("error").last().and_then(|e| e["class"].as_str()))
    }

    /// Answers to what the agent asked, in order.
    pub fn answers(&self) -> Vec<&Value> {
        self.sent.iter().filter(|m| m.get("method").is_none()).collect()
    }

    pub fn asked(&self, method: &str) -> Vec<&Value> {
        self.sent.iter().filter(|m| m["method"] == method).collect()
    }
}

pub fn text(words: &str) -> Value {
    json!({"update": {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": words}}})
}

pub fn ask(method: &str, params: Value) -> Value {
    json!({"ask": method, "params": params})
}

pub fn end() -> Value {
    json!({"result": {"stopReason": "end_turn"}})
}
