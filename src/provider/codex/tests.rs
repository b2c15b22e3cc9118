//! The command line that is asked for, and the pitfalls of the lines one by one. Whole turns are
//! driven in `tests/it/conformance`.

use serde_json::{Value, json};

use super::Codex;
use super::lines::CodexLines;
use crate::agent::{ErrorClass, Event, Request};
use crate::provider::agent_cli::{Ask, Lines, Said, Start, Vendor};
use crate::provider::testing::Bench;
use crate::session::event::Usage;

fn ask(request: &Request, before: Option<Usage>) -> Ask<'_> {
    Ask {
        request,
        program: "/bin/codex".into(),
        prompt: b"do it".to_vec(),
        wants_answer: request.schema_file.is_some(),
        schema: request.schema_file.as_ref().map(|file| {
            serde_json::from_slice(&std::fs::read(file).expect("a schema")).expect("JSON")
        }),
        tmp: "/state/tmp".into(),
        before,
        version: Some("1.2.3".into()),
    }
}

fn request(change: impl FnOnce(&Bench, &mut Value)) -> (Bench, Request) {
    let mut bench = Bench::new("task", json!({}));
    let mut value = bench.request.clone();
    change(&bench, &mut value);
    bench.request = value;
    let request = serde_json::from_value(bench.request.clone()).expect("a request");
    (bench, request)
}

fn words(start: &Start) -> String {
    let words: Vec<_> = start.args.iter().map(|w| w.to_string_lossy().into_owned()).collect();
    words.join(" ")
}

fn lines(request: &Request, before: Option<Usage>) -> CodexLines {
    CodexLines::new(&ask(request, before))
}

fn total(input: u64) -> Value {
    json!({"type": "turn.completed", "usage": {"input_tokens": input,
        "cached_input_tokens": input / 2, "output_tokens": 42, "reasoning_output_tokens": 7}})
}

fn inputs(events: &[Event]) -> Vec<Option<u64>> {
    let input = |event: &Event| match event {
        // All that was read, from the cache or not.
        Event::Usage { input, cached_input, .. } => {
            Some(input.map(|n| n + cached_input.unwrap_or(0)))
        }
        _ => None,
    };
    events.iter().filter_map(input).collect()
}

#[test]
fn an_agent_that_nothing_contains_gets_its_own_sandbox() {
    let (_bench, plain) = request(|_, _| {});
    let start = Codex::start(&ask(&plain, None)).unwrap_or_else(|e| panic!("{}", e.message));
    let line = words(&start);
    assert!(line.contains("sandbox_mode=\"workspace-write\""), "{line}");
    assert!(line.contains("network_access=true") && line.ends_with(" -"), "{line}");
    assert!(!line.contains("dangerously"), "{line}");
    let (_bench, contained) = request(|_, r| r["sandbox"] = json!({"tier": "bwrap"}));
    let start = Codex::start(&ask(&contained, None)).unwrap_or_else(|e| panic!("{}", e.message));
    assert!(words(&start).contains("--dangerously-bypass-approvals-and-sandbox"));
    assert!(!words(&start).contains("sandbox_mode"));
}

#[test]
fn a_conversation_is_gone_on_with_or_copied() {
    for (fork, begins) in [(false, "exec resume abc --json"), (true, "exec fork abc --json")] {
        let (_bench, request) = request(|_, r| {
            r["resume"] = json!("abc");
            r["fork"] = json!(fork);
        });
        let start = Codex::start(&ask(&request, None)).unwrap_or_else(|e| panic!("{}", e.message));
        assert!(words(&start).starts_with(begins), "{}", words(&start));
    }
}

#[test]
fn only_a_strict_schema_is_given_to_the_model_itself() {
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}},
        "required": ["a"], "additionalProperties": false});
    let open = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    for (schema, is_strict) in [(closed, true), (open, false)] {
        let (_bench, request) = request(|bench, r| {
            bench.write("turn/schema.json", schema.to_string());
            r["schema_file"] = json!(bench.path("turn/schema.json"));
        });
        let start = Codex::start(&ask(&request, None)).unwrap_or_else(|e| panic!("{}", e.message));
        assert_eq!(words(&start).contains("--output-schema"), is_strict);
        let prompt = String::from_utf8(start.stdin).expect("text");
        assert_eq!(prompt.contains("JSON Schema"), !is_strict, "{prompt}");
    }
}

#[test]
fn an_endpoint_of_ones_own_is_written_as_toml() {
    let (_bench, own) = request(|_, r| {
        r["settings"] = json!({"base_url": "http://127.0.0.1:1/v1", "env_key": "A_KEY"});
    });
    let start = Codex::start(&ask(&own, None)).unwrap_or_else(|e| panic!("{}", e.message));
    let line = words(&start);
    assert!(line.contains("model_provider=\"otto\""), "{line}");
    assert!(line.contains("base_url=\"http://127.0.0.1:1/v1\",wire_api=\"responses\""), "{line}");
    assert!(line.contains("env_key=\"A_KEY\"}"), "{line}");
    let (_bench, half) = request(|_, r| r["settings"] = json!({"env_key": "A_KEY"}));
    assert!(Codex::start(&ask(&half, None)).is_err());
}

#[test]
fn counts_that_go_on_are_differences() {
    let (_bench, fresh) = request(|_, _| {});
    let mut reader = lines(&fresh, None);
    reader.read(json!({"type": "thread.started", "thread_id": "t1"}));
    assert_eq!(inputs(&reader.read(total(1200))), [Some(1200)]);
    let totals = reader.finding().totals.expect("a total");
    assert_eq!(totals.conversation, "t1");
    let (_bench, resumed) = request(|_, r| r["resume"] = json!("t1"));
    let mut reader = lines(&resumed, Some(totals.usage));
    assert_eq!(inputs(&reader.read(total(3600))), [Some(2400)]);
    // Nobody knows what it had used: no figure is better than a wrong one.
    let mut reader = lines(&resumed, None);
    assert_eq!(inputs(&reader.read(total(3600))), []);
    assert_eq!(inputs(&reader.read(total(4600))), [Some(1000)]);
}

#[test]
fn an_error_is_not_the_end_and_a_limit_is_not_waited_for() {
    let (_bench, request) = request(|_, _| {});
    let error = |message: &str| json!({"type": "error", "message": message});
    let mut reader = lines(&request, None);
    reader.read(error("Reconnecting... 1/5 (stream disconnected before completion)"));
    assert!(!reader.gave_up());
    reader.read(total(1));
    assert_eq!(reader.finding().said, Said::Good);
    let mut reader = lines(&request, None);
    reader.read(error("Reconnecting... 1/5 (exceeded retry limit, last status: 429 Too Many)"));
    assert!(reader.gave_up());
    assert!(matches!(
        reader.finding().said,
        Said::Failed { class: ErrorClass::RateLimit, until: None, .. }
    ));
}

#[test]
fn a_command_that_was_only_seen_at_its_end_is_a_call_too() {
    let (_bench, request) = request(|_, _| {});
    let item = json!({"id": "item_1", "type": "command_execution", "command": "ls",
        "aggregated_output": "a\n", "exit_code": null, "status": "declined"});
    let events = lines(&request, None).read(json!({"type": "item.completed", "item": item}));
    let kinds: Vec<_> = events.iter().map(std::mem::discriminant).collect();
    assert_eq!(kinds.len(), 3, "{events:?}");
    assert!(matches!(&events[0], Event::ToolCall { .. }));
    assert!(matches!(&events[1], Event::Denied { tool } if tool == "command"));
    assert!(matches!(&events[2], Event::ToolResult { is_error: true, .. }));
}

#[test]
fn a_change_that_failed_is_no_change() {
    let (_bench, request) = request(|_, _| {});
    let item = json!({"id": "i", "type": "file_change", "status": "failed",
        "changes": [{"path": "/x/a", "kind": "add"}]});
    let events = lines(&request, None).read(json!({"type": "item.completed", "item": item}));
    assert!(matches!(&events[..], [Event::ToolResult { is_error: true, .. }]), "{events:?}");
}
