//! The examples of `docs/providers.md`, read and run.

use serde_json::json;

use super::command;
use super::testing::{Bench, Turn};
use crate::agent::{Event, Request};
use crate::base::Exit;
use crate::session::event::Usage;
use crate::stage::record::Recording;

const PAGE: &str = include_str!("../../docs/providers.md");

/// The fenced blocks of one language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let open = format!("\n```{language}\n");
    let pieces = PAGE.split(open.as_str()).skip(1);
    pieces.map(|rest| rest.split("```").next().expect("a closed block")).collect()
}

#[test]
fn the_request_is_one() {
    let json = blocks("json");
    let request: Request = serde_json::from_str(json[0]).expect("a request");
    let told: serde_json::Value = serde_json::from_str(json[0]).expect("JSON");
    let all = serde_json::to_value(&request).expect("JSON");
    assert_eq!(told, all, "every field, under its name");
    for field in all.as_object().expect("an object").keys() {
        assert!(PAGE.contains(&format!("`{field}`")), "'{field}' is explained");
    }
}

#[test]
fn the_other_objects_load() {
    let json = blocks("json");
    assert_eq!(json.len(), 3);
    serde_json::from_str::<Usage>(json[1]).expect("a usage.json");
    serde_json::from_str::<Recording>(json[2]).expect("a recording.json");
}

#[test]
fn there_is_an_event_of_each_kind() {
    let mut kinds: Vec<String> = Vec::new();
    for line in blocks("jsonl")[0].lines() {
        let event: Event = serde_json::from_str(line).expect(line);
        let written = serde_json::to_value(&event).expect("JSON");
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(line).expect(line));
        kinds.push(written["event"].as_str().expect("a kind").to_owned());
    }
    // serde names every kind that it knows when it meets one that it does not.
    let known = serde_json::from_value::<Event>(json!({"event": "?"})).expect_err("no kind");
    let known = known.to_string();
    let known: Vec<&str> = known.split('`').skip(3).step_by(2).filter(|k| !k.is_empty()).collect();
    assert_eq!(kinds, known);
}

#[test]
fn the_agent_works() {
    let script = blocks("sh")[0].trim_start_matches("#!/bin/sh\n");
    let mut bench = Bench::with_agent("build", script);
    bench.request["group"] = json!("ledger");
    let turn = bench.run(|input, output| command::run(input, output));
    assert_eq!((turn.texts(), turn.reason()), (vec!["I wrote hello.txt."], "end"));
    assert_eq!(bench.read("work/hello.txt"), "hello from ledger\n");
    bench.request["role"] = json!("task");
    let turn = bench.run(|input, output| command::run(input, output));
    let answer = json!({"message": "nothing to do", "actions": []});
    assert_eq!(turn.structured(), Some(&answer));
}

#[test]
fn a_call_without_a_request_prints_what_is_shown() {
    let mut out = Vec::new();
    let exit = command::run(&b""[..], &mut out).expect("reported");
    Turn::new(&out, exit);
    assert_eq!(exit, Exit::INPUT);
    let shown =
        format!("$ otto-provider-command < /dev/null\n{}", String::from_utf8(out).expect("text"));
    assert_eq!(blocks("console"), [shown]);
}
