//! One turn of a provider: a request to `otto-provider-claude` or `otto-provider-codex`, with the
//! real agent behind it and the fake model behind that.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use super::{Agents, agents, model};
use crate::harness::{Sandbox, until, write};
use crate::model::{Server, script};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    Claude,
    Codex,
}

pub const BOTH: [Vendor; 2] = [Vendor::Claude, Vendor::Codex];

impl Vendor {
    pub fn word(self) -> &'static str {
        match self {
            Vendor::Claude => "claude",
            Vendor::Codex => "codex",
        }
    }

    /// `providers.<name>` of otto.yaml.
    pub fn settings(self, agents: &Agents, url: &str) -> Value {
        match self {
            Vendor::Claude => json!({"program": agents.claude, "base_url": url}),
            Vendor::Codex => json!({"program": agents.codex, "base_url": format!("{url}/v1")}),
        }
    }
}

/// A repository, a model, and one vendor's agent.
pub struct Stage {
    pub s: Sandbox,
    pub model: Server,
    pub vendor: Vendor,
    agents: Agents,
    /// Where the agent asks; the model unless a test says otherwise.
    pub url: String,
}

impl Stage {
    /// `None` where the suite is skipped.
    pub fn new(vendor: Vendor) -> Option<Self> {
        let agents = agents()?;
        let model = model();
        let url = model.url();
        Some(Self { s: Sandbox::project(), model, vendor, agents, url })
    }

    /// A turn with this script, and these fields of its request.
    pub fn turn(&self, steps: &Value, fields: Value) -> Turn {
        let settings = self.vendor.settings(&self.agents, &self.url);
        let s = &self.s;
        write(&s.at("turn/prompt.md"), &format!("Do it.\n\n{}\n", script::embed(steps)));
        let deadline = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(60);
        let mut request = json!({"v": 1, "role": "build", "session": "20260101-000000-abcd",
            "group": "g1", "attempt": 1, "prompt_file": s.at("turn/prompt.md"),
            "workdir": s.project, "max_turns": 20, "deadline": deadline.to_string(),
            "output_file": s.at("turn/output.json"), "state_dir": s.at("state"),
            "sandbox": {"tier": "worktree", "network": "off"}, "settings": settings});
        for (name, value) in fields.as_object().into_iter().flatten() {
            request[name] = value.clone();
        }
        let mut command = s.command(&[&format!("provider-{}", self.vendor.word())]);
        command.env("ANTHROPIC_API_KEY", "dummy-key-of-a-test");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(std::fs::File::create(s.at("turn/stderr.log")).expect("a file"));
        let mut child = command.spawn().expect("otto starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        writeln!(stdin, "{request}").expect("written");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        Turn { child, stdin, stdout, events: Vec::new() }
    }

    /// A whole turn, after which nothing of it runs.
    pub fn play(&self, steps: &Value, fields: Value) -> Played {
        let played = self.turn(steps, fields).end();
        assert_eq!(self.s.leftovers(), [0; 0], "{}: {played:?}", self.vendor.word());
        played
    }

    /// The agent's own process: what it calls itself may be something else.
    pub fn agent_process(&self) -> i32 {
        let program = match self.vendor {
            Vendor::Claude => &self.agents.claude,
            Vendor::Codex => &self.agents.codex,
        };
        let program = program.canonicalize().expect("it is installed");
        let is_it = |pid: &i32| {
            std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program)
        };
        self.s.leftovers().into_iter().filter(is_it).min().expect("it runs")
    }

    /// The requests for an answer of the model.
    pub fn asked(&self) -> Vec<Value> {
        self.model.requests().into_iter().filter(|r| r["method"] == "POST").collect()
    }

    /// What happened, for an assertion that fails.
    pub fn story(&self, played: &Played) -> String {
        let said = std::fs::read_to_string(self.s.at("turn/stderr.log")).unwrap_or_default();
        format!("{}: {:#?}\n{:#?}\n{said}", self.vendor.word(), played.events, self.asked())
    }
}

/// A turn that is still played.
pub struct Turn {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    events: Vec<Value>,
}

/// A turn that is over.
#[derive(Debug)]
pub struct Played {
    pub code: i32,
    pub events: Vec<Value>,
}

impl Turn {
    fn read_one(&mut self) -> bool {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("text");
        if line.is_empty() {
            return false;
        }
        self.events.push(serde_json::from_str(&line).expect("a line of JSON"));
        true
    }

    /// The line that asks for an end.
    pub fn stop(&mut self) {
        writeln!(self.stdin, "{}", json!({"stop": "the test wants it"})).expect("it reads");
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    /// Reads to the end: exactly one `done`, the last.
    pub fn end(self) -> Played {
        let played = self.end_of_any_kind();
        let done = |e: &&Value| e["event"] == "done";
        assert_eq!(played.events.iter().filter(done).count(), 1, "{:#?}", played.events);
        assert!(played.events.last().is_some_and(|e| done(&e)), "{:#?}", played.events);
        played
    }

    pub fn end_of_any_kind(mut self) -> Played {
        while self.read_one() {}
        // Its input stays open until it has ended: it must not need the end of it.
        let code = until("the end of the provider", || self.child.try_wait().expect("a child"));
        drop(self.stdin);
        let code = std::os::unix::process::ExitStatusExt::signal(&code)
            .map_or_else(|| code.code().unwrap_or(-1), |signal| 128 + signal);
        Played { code, events: self.events }
    }
}

impl Played {
    pub fn all(&self, kind: &str) -> Vec<&Value> {
        self.events.iter().filter(|e| e["event"] == kind).collect()
    }

    pub fn one(&self, kind: &str) -> &Value {
        self.all(kind).last().copied().unwrap_or(&Value::Null)
    }

    /// The class of the error, where there is one.
    pub fn class(&self) -> &str {
        self.one("error")["class"].as_str().unwrap_or("none")
    }

    pub fn reason(&self) -> &str {
        self.one("done")["reason"].as_str().unwrap_or("none")
    }

    pub fn conversation(&self) -> String {
        self.one("started")["provider_session"].as_str().expect("a conversation").to_owned()
    }

    /// The sum of what was reported under that name; `None` where nothing was.
    pub fn used(&self, name: &str) -> Option<u64> {
        let counts: Vec<u64> = self.all("usage").iter().filter_map(|u| u[name].as_u64()).collect();
        (!counts.is_empty()).then(|| counts.iter().sum())
    }
}
