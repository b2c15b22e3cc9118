//! The command line that is asked for, and the pitfalls of the lines one by one. Whole turns are
//! driven in `tests/it/conformance`.

use serde_json::{Value, json};

use super::lines::ClaudeLines;
use super::plain_schema;
use crate::agent::{ErrorClass, Event};
use crate::provider::agent_cli::{Finding, Lines, Said};
use crate::session::event::Usage;

fn play(lines: &mut ClaudeLines, all: &[Value]) -> Vec<Event> {
    all.iter().flat_map(|line| lines.read(line.clone())).collect()
}

fn fresh() -> ClaudeLines {
    ClaudeLines::new("/w".as_ref(), None, None)
}

fn result(more: Value) -> Value {
    let mut line = json!({"type": "result", "subtype": "success", "is_error": false,
        "session_id": "s1", "result": "ok", "stop_reason": "end_turn"});
    for (key, value) in more.as_object().expect("an object") {
        line[key] = value.clone();
    }
    line
}

fn costs(events: &[Event]) -> Vec<f64> {
    let cost = |event: &Event| match event {
        Event::Cost { usd } => Some(*usd),
        _ => None,
    };
    events.iter().filter_map(cost).collect()
}

fn said(line: Value) -> Said {
    let mut lines = fresh();
    lines.read(line);
    lines.finding().said
}

#[test]
fn success_that_is_an_error_is_an_error() {
    let line =
        result(json!({"is_error": true, "result": "Invalid API key", "api_error_status": 401}));
    let Said::Failed { class, .. } = said(line) else { panic!("a failure") };
    assert_eq!(class, ErrorClass::Auth);
    // Nor is one that does not say whether it is.
    let mut line = result(json!({}));
    line.as_object_mut().expect("an object").remove("is_error");
    assert!(matches!(said(line), Said::Failed { class: ErrorClass::Unknown, .. }));
}

#[test]
fn a_cost_that_counts_from_the_beginning_is_a_difference() {
    // As of 2.1.197, which says only the total.
    let total = |usd: f64| {
        result(json!({"total_cost_usd": usd, "usage": {"input_tokens": 100,
            "cache_creation_input_tokens": 20, "cache_read_input_tokens": 1000, "output_tokens": 42}}))
    };
    let mut lines = fresh();
    let events = play(&mut lines, &[total(0.25), total(0.75)]);
    assert_eq!(costs(&events), [0.25, 0.5]);
    let tokens = Event::Usage {
        input: Some(120),
        cached_input: Some(1000),
        output: Some(42),
        reasoning: None,
    };
    assert_eq!(events[0], tokens);
    let Finding { totals: Some(totals), .. } = lines.finding() else { panic!("totals") };
    assert_eq!((totals.conversation.as_str(), totals.usage.usd), ("s1", Some(0.75)));
    // A later turn of the same conversation.
    let mut later = ClaudeLines::new("/w".as_ref(), Some("s1".into()), Some(totals.usage));
    assert_eq!(costs(&later.read(total(1.0))), [0.25]);
    // And one whose past nobody knows: no figure is better than a wrong one.
    let mut unknown = ClaudeLines::new("/w".as_ref(), Some("s1".into()), None);
    assert_eq!(costs(&unknown.read(total(1.0))), [0.0; 0]);
    assert_eq!(costs(&unknown.read(total(1.5))), [0.5]);
}

#[test]
fn newer_versions_count_their_helpers_in() {
    let line =
        result(json!({"total_cost_usd": 9.0, "usage": {"input_tokens": 1, "output_tokens": 1},
        "model_usage_since_last_result": {
            "large": {"inputTokens": 500, "outputTokens": 210, "cacheReadInputTokens": 5000,
                      "cacheCreationInputTokens": 100, "costUSD": 0.5, "thinkingTokens": 7},
            "small": {"inputTokens": 1, "outputTokens": 2, "cacheReadInputTokens": 0,
                      "cacheCreationInputTokens": 0, "costUSD": 0.25}}}));
    let mut lines = ClaudeLines::new("/w".as_ref(), Some("s1".into()), None);
    let events = lines.read(line);
    let tokens = Event::Usage {
        input: Some(601),
        cached_input: Some(5000),
        output: Some(212),
        reasoning: Some(7),
    };
    assert_eq!(events, [tokens, Event::Cost { usd: 0.75 }]);
}

#[test]
fn one_denial_is_told_once() {
    let denial = json!({"type": "system", "subtype": "permission_denied", "tool_name": "Bash",
        "tool_use_id": "t1", "session_id": "s1"});
    let denials = json!([{"tool_name": "Bash", "tool_use_id": "t1"},
        {"tool_name": "Write", "tool_use_id": "t2"}]);
    let events = play(&mut fresh(), &[denial, result(json!({"permission_denials": denials}))]);
    let denied: Vec<_> = events
        .iter()
        .filter_map(|e| if let Event::Denied { tool } = e { Some(tool.as_str()) } else { None })
        .collect();
    assert_eq!(denied, ["Bash", "Write"]);
}

#[test]
fn what_a_helper_says_is_no_claim() {
    let line = json!({"type": "assistant", "parent_tool_use_id": "t1", "session_id": "s1",
        "message": {"content": [{"type": "text", "text": "sub"}, {"type": "new", "x": 1}]}});
    let events = fresh().read(line);
    assert!(events.iter().all(|e| matches!(e, Event::Raw { .. })), "{events:?}");
}

#[test]
fn a_long_wait_of_its_own_is_ended_and_a_short_one_is_not() {
    let retry = |ms: u64| {
        json!({"type": "system", "subtype": "api_retry", "attempt": 1, "retry_delay_ms": ms,
            "error_status": 429, "error": "rate_limit", "session_id": "s1"})
    };
    let mut lines = fresh();
    lines.read(retry(600));
    assert!(!lines.gave_up());
    lines.read(retry(3_600_000));
    assert!(lines.gave_up());
    // Its own end, when it is interrupted, does not cover the reason.
    lines.read(result(json!({"is_error": true, "subtype": "error_during_execution",
        "terminal_reason": "aborted_tools", "errors": []})));
    let Said::Failed { class, until, .. } = lines.finding().said else { panic!("a failure") };
    assert_eq!(class, ErrorClass::RateLimit);
    assert!(until.is_some_and(|until| until.ends_with('Z')));
}

#[test]
fn a_limit_of_a_subscription_says_when_it_ends() {
    let at = jiff::Timestamp::now().as_second() + 3600;
    let event = json!({"type": "rate_limit_event", "session_id": "s1",
        "rate_limit_info": {"status": "rejected", "resetsAt": at, "rateLimitType": "five_hour"}});
    let mut lines = fresh();
    play(
        &mut lines,
        &[event, result(json!({"is_error": true, "result": "You've hit your limit"}))],
    );
    let wanted = jiff::Timestamp::from_second(at).expect("an instant").to_string();
    let Said::Failed { class: ErrorClass::Quota, until, .. } = lines.finding().said else {
        panic!("a quota")
    };
    assert_eq!(until, Some(wanted));
}

#[test]
fn a_refusal_is_one() {
    let line = result(json!({"is_error": true, "stop_reason": "refusal", "safety_stops": 2,
        "terminal_reason": "api_error", "result": "API Error: safeguards flagged this message"}));
    assert!(matches!(said(line), Said::Failed { class: ErrorClass::Refused, .. }));
}

#[test]
fn a_schema_without_its_dialect_is_taken() {
    let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "properties": {"$schema": {"type": "string"}}});
    let plain = plain_schema(&schema);
    assert_eq!(plain, json!({"type": "object", "properties": {"$schema": {"type": "string"}}}));
}

#[test]
fn a_conversation_that_is_not_there_leaves_no_usage_behind() {
    let line = result(json!({"is_error": true, "subtype": "error_during_execution",
        "errors": ["No conversation found with session ID: s1"], "total_cost_usd": 0}));
    let mut lines = ClaudeLines::new("/w".as_ref(), Some("s1".into()), None);
    assert_eq!(lines.read(line), []);
    assert!(matches!(lines.finding().said, Said::Failed { .. }));
    assert_eq!(fresh().finding().totals.map(|t| t.usage), None::<Usage>);
}
