//! Every recorded transcript, with the exit code that was recorded with it: what it becomes.

use std::collections::BTreeSet;

use super::adapter::{Adapter, Scene, Then, capture};
use super::stage::play;
use super::{claude, codex};

/// Transcript, exit code, word of `done`, class, tokens in, kinds of events that must be there.
type Row =
    (&'static str, i32, &'static str, Option<&'static str>, Option<u64>, &'static [&'static str]);

const DIED: i32 = -9;

const CLAUDE: [Row; 17] = [
    ("claude_bash1", 0, "end", None, Some(3360), &["tool_call", "tool_result", "file_change"]),
    ("claude_bg", 0, "end", None, Some(3360), &["tool_call"]),
    ("claude_budget", 1, "budget", None, Some(2240), &["tool_call"]),
    ("claude_c2", 0, "end", None, Some(2240), &["text", "file_change", "cost"]),
    ("claude_csigint", 0, "interrupted", Some("interrupted"), Some(1120), &["tool_call", "cost"]),
    ("claude_csigterm", 143, "error", Some("unknown"), None, &["tool_call", "tool_result"]),
    ("claude_cutm", 1, "error", Some("network"), None, &[]),
    ("claude_e401", 1, "error", Some("auth"), None, &[]),
    ("claude_e429ra", 0, "end", None, Some(1120), &["text"]),
    ("claude_maxturns", 1, "max_turns", None, Some(1120), &["tool_call"]),
    ("claude_old197", 0, "end", None, Some(3360), &["file_change", "cost"]),
    ("claude_partial", 0, "end", None, Some(2240), &["tool_call"]),
    ("claude_perm1", 0, "end", None, Some(3360), &["denied"]),
    ("claude_schema1", 0, "end", None, Some(1120), &["tool_call"]),
    ("claude_schema3", 0, "end", None, Some(2240), &["text"]),
    ("claude_schema5", 1, "error", Some("unknown"), Some(5600), &["tool_call"]),
    ("claude_sub", 0, "end", None, Some(5600), &["tool_call", "text"]),
];

const CODEX: [Row; 16] = [
    ("codex_o401", 1, "error", Some("auth"), None, &["raw"]),
    ("codex_o429", 1, "error", Some("rate_limit"), None, &["rate_limited"]),
    // It waits for a server that limits: Otto does that.
    ("codex_o429once", 0, "error", Some("rate_limit"), Some(1200), &["rate_limited"]),
    ("codex_o500", 1, "error", Some("overloaded"), None, &["raw"]),
    ("codex_oinc", 1, "error", Some("unknown"), None, &["text"]),
    ("codex_onokey", 1, "error", Some("auth"), None, &[]),
    ("codex_sb-workspace-write", 0, "end", None, Some(4800), &["tool_call"]),
    ("codex_x2", 0, "end", None, Some(3600), &["thinking", "tool_call", "tool_result"]),
    ("codex_x3", 0, "end", None, Some(2400), &["text"]),
    ("codex_x4", 0, "end", None, Some(2400), &["file_change"]),
    ("codex_x5", 0, "end", None, Some(6000), &["file_change", "tool_call"]),
    ("codex_x7", 0, "end", None, Some(3600), &["file_change"]),
    ("codex_xbg", 0, "end", None, Some(2400), &["tool_call"]),
    ("codex_xdel", 0, "end", None, Some(4800), &["file_change"]),
    ("codex_xi2", 1, "error", Some("unknown"), None, &["tool_call"]),
    ("codex_xs2", DIED, "error", Some("unknown"), None, &["tool_call"]),
];

/// Tokens that were read, from the cache or not: one vendor counts the first into the second.
pub fn read_in_all(usage: &serde_json::Value) -> u64 {
    usage["input"].as_u64().expect("told") + usage["cached_input"].as_u64().unwrap_or(0)
}

fn become_what_they_are(adapter: &Adapter, rows: &[Row]) {
    for (name, code, reason, class, tokens, kinds) in rows {
        let scene = Scene::prints(capture(name));
        let then = if *code == DIED { Then::Dies } else { Then::Exits(*code) };
        let turn = play(adapter, &scene.then(then));
        assert_eq!((turn.reason(), turn.class()), (*reason, *class), "{name}\n{turn}");
        let used: Vec<u64> = turn.all("usage").iter().map(|e| read_in_all(e)).collect();
        let sum = (!used.is_empty()).then(|| used.iter().sum::<u64>());
        assert_eq!(sum, *tokens, "{name}\n{turn}");
        for kind in *kinds {
            assert!(!turn.all(kind).is_empty(), "{name} has no {kind}\n{turn}");
        }
        assert_eq!(turn.all("done").len(), 1, "{name}");
    }
}

#[test]
fn recorded_claude_turns_become_what_they_are() {
    become_what_they_are(&claude::ADAPTER, &CLAUDE);
}

#[test]
fn recorded_codex_turns_become_what_they_are() {
    become_what_they_are(&codex::ADAPTER, &CODEX);
}

#[test]
fn every_recording_is_played() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transcripts");
    let there: BTreeSet<String> = std::fs::read_dir(dir)
        .expect("a folder")
        .flatten()
        .map(|e| e.path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    let played: BTreeSet<String> =
        CLAUDE.iter().chain(&CODEX).map(|row| row.0.to_owned()).collect();
    assert_eq!(there, played);
}
