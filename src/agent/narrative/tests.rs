use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::agent::protocol::ErrorClass;

fn call(name: &str, input: Value) -> String {
    narrate(&Event::ToolCall { name: name.into(), input }).expect("it is told")
}

#[test]
fn a_call_is_told_by_what_it_is_given() {
    for (name, input, told) in [
        ("Bash", json!({"command": "make test", "description": "x"}), "$ make test"),
        ("Bash", json!({"command": "serve", "run_in_background": true}), "$ serve &"),
        (
            "exec_command",
            json!({"cmd": "/bin/bash -lc 'echo hi > a.txt; cat a.txt'"}),
            "$ echo hi > a.txt; cat a.txt",
        ),
        ("shell", json!({"command": ["bash", "-lc", "ls | wc"]}), "$ ls | wc"),
        ("shell", json!({"command": ["git", "log", "a b"]}), "$ git log 'a b'"),
        ("sh", json!("sh tests/run.sh ledger"), "$ sh tests/run.sh ledger"),
        ("command_execution", json!({"command": "/bin/bash -lc ls"}), "$ ls"),
        // Quoted so that it cannot be read back without a shell: as it is.
        ("x", json!({"command": "bash -c \"echo $HOME\""}), "$ bash -c \"echo $HOME\""),
        ("Write", json!({"file_path": "src/a.rs", "content": "a\nb\n"}), "✎ src/a.rs +2 −0"),
        (
            "Edit",
            json!({"file_path": "a", "old_string": "x\ny\nz", "new_string": "x\nq\nr\nz"}),
            "✎ a +2 −1",
        ),
        (
            "MultiEdit",
            json!({"file_path": "a", "edits": [{"old_string": "x", "new_string": "y"}, {"old_string": "", "new_string": "z"}]}),
            "✎ a +2 −1",
        ),
        ("write", json!({"filePath": "a", "content": ""}), "✎ a +0 −0"),
        (
            "apply_patch",
            json!(
                "*** Begin Patch\n*** Update File: a\n@@\n-x\n+y\n+z\n*** Add File: b\n+1\n*** End Patch"
            ),
            "✎ a +2 −1\nb +1 −0",
        ),
        ("apply_patch", json!({"input": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n"}), "✎ x +1 −1"),
        ("Read", json!({"file_path": "a", "offset": 10, "limit": 5}), "◂ a 5 lines from 10"),
        ("read_file", json!({"absolute_path": "a"}), "◂ a"),
        ("Grep", json!({"pattern": "fn main", "path": "src"}), "⌕ Grep fn main in src"),
        ("WebFetch", json!({"url": "http://x", "prompt": "y"}), "⌕ WebFetch http://x"),
        (
            "TodoWrite",
            json!({"todos": [1, 2], "for": {"a": 1}}),
            "⚙ TodoWrite todos: 2 items, for: 1 field",
        ),
        // A path alone is not known to be read.
        ("delete_file", json!({"path": "a"}), "⚙ delete_file path: a"),
        ("wait", Value::Null, "⚙ wait"),
    ] {
        assert_eq!(call(name, input), told);
    }
}

#[test]
fn a_turn_as_it_is_told() {
    let mut narrator = Narrator::default();
    let lines = [
        json!({"at": "2026-01-02T03:04:05Z", "workdir": "/w/p", "t": 0.06, "m": Event::Started { provider_session: None, version: Some("2.1".into()), model: None }}),
        json!({"t": 1.99, "m": {"event": "tool_call", "name": "Read", "input": {"file_path": "/w/p/src/a.rs"}}}),
        json!({"t": 2.0, "m": {"event": "tool_call", "name": "Bash", "input": {"command": "cd /w/p && make"}}}),
        json!({"t": 12.34, "m": {"event": "tool_result", "output": "one\n\u{1b}[1mtwo\u{1b}[0m\n", "is_error": true}}),
        json!({"t": 12.4, "m": {"event": "usage", "input": 3}}),
        json!({"t": 12_345.6, "m": {"event": "done", "reason": "end"}}),
    ];
    let told: String =
        lines.iter().filter_map(|l| narrator.entry(l.to_string().as_bytes())).collect();
    assert_eq!(
        told,
        "    0.0s ▸ started 2.1\n    1.9s ◂ src/a.rs\n    2.0s $ cd . && make\n   12.3s ✗ one\n           two\n12345.6s ▪ done: end\n"
    );
    let stamps: Vec<_> = told.lines().map(stamp_of).collect();
    let expected = [Some(0.0), Some(1.9), Some(2.0), Some(12.3), None, Some(12_345.6)];
    assert_eq!(stamps, expected);
    assert_eq!(narrator.entry(b"{\"t\":1,\"m\":{\"event\":\"te"), None);
}

#[test]
fn the_legend_is_documented_and_without_doubles() {
    let page = include_str!("../../../docs/watching.md");
    for (n, (glyph, what)) in LEGEND.iter().enumerate() {
        assert!(
            page.contains(&format!("| `{glyph}` | {what} |")),
            "docs/watching.md: {glyph} {what}"
        );
        assert!(LEGEND[..n].iter().all(|(other, _)| other != glyph), "{glyph} twice");
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let text = "(\\PC|[\u{0}-\u{9f}]|\n){0,400}";
    prop_oneof![
        text.prop_map(|text| Event::Text { text }),
        text.prop_map(|text| Event::Thinking { text }),
        (text, text).prop_map(|(name, input)| Event::ToolCall { name, input: input.into() }),
        (text, text, text).prop_map(|(name, a, b)| Event::ToolCall {
            name,
            input: json!({"file_path": a, "content": b, "command": b})
        }),
        (text, text, text).prop_map(|(name, a, b)| Event::ToolCall { name, input: json!({a: b}) }),
        (text, any::<bool>()).prop_map(|(output, is_error)| Event::ToolResult {
            name: String::new(),
            output,
            is_error
        }),
        (text, text).prop_map(|(path, kind)| Event::FileChange { path, kind }),
        text.prop_map(|text| Event::RateLimited { until: Some(text) }),
        text.prop_map(|tool| Event::Denied { tool }),
        text.prop_map(|message| Event::Error { class: ErrorClass::Unknown, message }),
        text.prop_map(|text| Event::Raw { data: text.into() }),
        text.prop_map(|reason| Event::Done { reason, structured: None }),
        text.prop_map(|text| Event::Started {
            provider_session: None,
            version: Some(text.clone()),
            model: Some(text)
        }),
    ]
}

proptest! {
    /// Nothing that draws, no line too wide, no entry too long, and one glyph in front.
    #[test]
    fn whatever_an_agent_says_is_harmless_to_show(event in any_event(), t in 0.0..1e6_f64) {
        let line = json!({"t": t, "m": event}).to_string();
        if let Some(entry) = Narrator::default().entry(line.as_bytes()) {
            prop_assert!(entry.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'), "{entry:?}");
            prop_assert!(entry.lines().count() <= MOST_LINES, "{entry:?}");
            prop_assert!(entry.lines().all(|l| l.chars().count() < 360), "{entry:?}");
            prop_assert!(entry.ends_with('\n'));
            let stamps = entry.lines().filter(|l| stamp_of(l).is_some()).count();
            prop_assert_eq!(stamps, 1, "{:?}", entry);
        }
    }
}
