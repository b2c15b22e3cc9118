//! A folder with a worktree and a turn, for tests of the providers.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::agent::protocol::{self, ErrorClass, Event};
use crate::base::{Exit, Result};

pub(super) struct Bench {
    dir: tempfile::TempDir,
    pub request: Value,
}

impl Bench {
    pub fn new(role: &str, settings: Value) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(at("work")).expect("a worktree");
        std::fs::create_dir_all(at("turn")).expect("a turn");
        std::fs::write(at("turn/prompt.md"), "Do it.\nThank you.\n").expect("a prompt");
        let deadline = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(120);
        let request = json!({
            "v": 1, "role": role, "session": "20261120-101112-ab2z", "group": null, "attempt": 1,
            "prompt_file": at("turn/prompt.md"), "workdir": at("work"), "max_turns": 200,
            "deadline": deadline.to_string(), "output_file": at("turn/output.json"),
            "sandbox": {"tier": "worktree"}, "settings": settings,
        });
        Self { dir, request }
    }

    /// A bench whose agent is this shell script.
    pub fn with_agent(role: &str, script: &str) -> Self {
        let bench = Self::new(role, json!({"argv": ["./agent.sh"]}));
        bench.executable("work/agent.sh", script);
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("a file");
    }

    pub fn executable(&self, name: &str, script: &str) {
        self.write(name, format!("#!/bin/sh\n{script}\n"));
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.path(name), mode).expect("executable");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect(name)
    }

    pub fn run(&self, provider: impl Fn(&[u8], &mut Vec<u8>) -> Result<Exit>) -> Turn {
        let line = format!("{}\n", self.request);
        let mut out = Vec::new();
        let exit =
            provider(line.as_bytes(), &mut out).expect("a provider reports and does not fail");
        Turn::new(&out, exit)
    }
}

/// What a provider said.
#[derive(Debug)]
pub(super) struct Turn {
    pub exit: Exit,
    pub events: Vec<Event>,
}

impl Turn {
    /// Every line is an event, and exactly the last one is `done`.
    pub fn new(out: &[u8], exit: Exit) -> Self {
        let events: Vec<Event> = out
            .split_inclusive(|b| *b == b'\n')
            .map(|line| {
                assert!(line.ends_with(b"\n"), "a whole line");
                serde_json::from_slice(line).expect("an event of the protocol")
            })
            .collect();
        let done = |e: &&Event| matches!(e, Event::Done { .. });
        assert_eq!(events.iter().filter(done).count(), 1, "{events:?}");
        assert!(events.last().as_ref().is_some_and(done), "{events:?}");
        assert_eq!(protocol::VERSION, 1);
        Self { exit, events }
    }

    pub fn texts(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|e| match e {
                Event::Text { text } => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    pub fn error(&self) -> Option<(ErrorClass, &str)> {
        self.events.iter().find_map(|e| match e {
            Event::Error { class, message } => Some((*class, message.as_str())),
            _ => None,
        })
    }

    pub fn reason(&self) -> &str {
        match self.events.last() {
            Some(Event::Done { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    pub fn structured(&self) -> Option<&Value> {
        match self.events.last() {
            Some(Event::Done { structured, .. }) => structured.as_ref(),
            other => panic!("{other:?}"),
        }
    }

    pub fn refused(&self, class: ErrorClass, words: &str) {
        let (found, message) = self.error().expect("an error");
        assert_eq!(found, class, "{message}");
        assert!(message.contains(words), "{message}");
        assert_eq!((self.reason(), self.structured()), ("error", None));
    }
}
