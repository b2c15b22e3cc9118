//! What an adapter brings to the kit.

use serde_json::{Value, json};

use super::behaviour::Behaviour;

pub struct Adapter {
    /// `provider-claude`.
    pub program: &'static str,
    /// `providers.<name>`, with the path of the fake agent in place of `AGENT`.
    pub settings: fn() -> Value,
    pub scene: fn(Behaviour) -> Option<Scene>,
    /// What its agent has no way to show, and why.
    pub cannot: &'static [(Behaviour, &'static str)],
    pub reports: Reports,
    pub stops: Stops,
}

/// What can be asked of its events.
pub struct Reports {
    pub usage: bool,
    pub cost: bool,
    /// Why a turn failed, in the protocol's classes; else the tree alone tells.
    pub classes: bool,
}

/// How it is told to stop.
#[derive(Clone, Copy, PartialEq)]
pub enum Stops {
    Line,
    Signal,
}

/// What the fake agent does in one turn.
pub struct Scene {
    pub role: &'static str,
    pub prints: Vec<u8>,
    pub stderr: &'static str,
    pub then: Then,
    /// What lies beside the agent, in the folder `AGENT.d` (see [`Adapter::settings`]).
    pub files: Vec<(&'static str, Vec<u8>)>,
    /// Fields of the request that differ.
    pub request: Value,
}

pub enum Then {
    Exits(i32),
    /// By SIGKILL.
    Dies,
    /// Until it is interrupted; then it prints this, and exits.
    Waits {
        last_words: Vec<u8>,
        code: i32,
    },
    /// The same, and nobody asks: it waits for something that Otto waits for better.
    WaitsByItself {
        last_words: Vec<u8>,
        code: i32,
    },
    /// For ever, without a word at the end; the deadline is near.
    Hangs,
}

impl Scene {
    pub fn prints(prints: impl Into<Vec<u8>>) -> Self {
        Self {
            role: "build",
            prints: prints.into(),
            stderr: "",
            then: Then::Exits(0),
            files: Vec::new(),
            request: json!({}),
        }
    }

    pub fn exits(self, code: i32) -> Self {
        Self { then: Then::Exits(code), ..self }
    }

    pub fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }

    pub fn file(mut self, name: &'static str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name, content.into()));
        self
    }

    pub fn answers(self) -> Self {
        Self { role: "task", ..self }
    }

    pub fn stderr(self, stderr: &'static str) -> Self {
        Self { stderr, ..self }
    }

    pub fn request(self, request: Value) -> Self {
        Self { request, ..self }
    }
}

/// In what a scene prints: the worktree of the turn.
pub const WORKDIR: &str = "@worktree@";

/// A recorded transcript.
pub fn capture(name: &str) -> Vec<u8> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transcripts");
    std::fs::read(dir.join(format!("{name}.jsonl"))).expect(name)
}

/// The same with other words in it; each must be there.
pub fn changed(name: &str, words: &[(&str, &str)]) -> Vec<u8> {
    let mut text = String::from_utf8(capture(name)).expect("text");
    for (from, to) in words {
        assert!(text.contains(from), "{name} has no {from}");
        text = text.replace(from, to);
    }
    text.into_bytes()
}

/// Some lines of a transcript.
pub fn lines(text: &[u8], which: impl std::ops::RangeBounds<usize>) -> Vec<u8> {
    let all = text.split_inclusive(|b| *b == b'\n').enumerate();
    all.filter(|(n, _)| which.contains(n)).flat_map(|(_, line)| line.to_vec()).collect()
}

/// Lines put in before the last one.
pub fn with_inside(text: &[u8], inside: &[u8]) -> Vec<u8> {
    let n = text.iter().filter(|b| **b == b'\n').count();
    [&lines(text, ..n - 1), inside, &lines(text, n - 1..)].concat()
}

/// 10 MB without an end of line, of an event and of nothing.
pub fn flood(event: impl Fn(&str) -> Value) -> Vec<u8> {
    let long = "x".repeat(10 << 20);
    format!("{}\n{long}\n", event(&long)).into_bytes()
}

/// An instant of the next hour, in whole seconds since 1970.
pub fn soon() -> i64 {
    jiff::Timestamp::now().as_second() + 3000
}
