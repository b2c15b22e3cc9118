//! OpenAI's Responses API, as far as an agent uses it: `POST /v1/responses`, always streamed.

use serde_json::{Value, json};

use super::conversation::{Conversation, Turn};
use super::script::{Call, Step};

pub fn read(body: &Value) -> Conversation {
    let names = body["tools"].as_array().into_iter().flatten().filter_map(|t| t["name"].as_str());
    let mut conversation = Conversation {
        model: body["model"].as_str().unwrap_or_default().to_owned(),
        stream: body["stream"] == true,
        tools: names.map(str::to_owned).collect(),
        folder: None,
        turns: Vec::new(),
    };
    for item in body["input"].as_array().into_iter().flatten() {
        match (item["type"].as_str(), item["role"].as_str()) {
            (Some("message") | None, Some("user")) => {
                conversation.push(Turn::User(texts(&item["content"])));
            }
            (Some("message") | None, Some("assistant"))
            | (Some("function_call" | "custom_tool_call" | "reasoning"), _) => {
                conversation.push(Turn::Model);
            }
            (Some("function_call_output" | "custom_tool_call_output"), _) => {
                conversation.push(Turn::Results(vec![texts(&item["output"])]));
            }
            _ => {}
        }
    }
    conversation
}

fn texts(content: &Value) -> String {
    if let Some(text) = content.as_str() {
        return text.to_owned();
    }
    let parts = content.as_array().into_iter().flatten();
    parts.filter_map(|p| p["text"].as_str()).collect::<Vec<_>>().join("\n")
}

/// The items of one answer.
fn items(step: &Step, id: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut text = step.text.clone().unwrap_or_default();
    text.push_str(&"x".repeat(step.pad));
    if let Some(answer) = &step.answer {
        text.push_str(&answer.to_string());
    }
    if !text.is_empty() || step.calls.is_empty() {
        items.push(json!({"type": "message", "role": "assistant",
            "content": [{"type": "output_text", "text": text}]}));
    }
    for (n, call) in step.calls.iter().enumerate() {
        let (name, arguments) = tool(call);
        items.push(
            json!({"type": "function_call", "name": name, "call_id": format!("call_{id}_{n}"),
            "arguments": arguments.to_string()}),
        );
    }
    items
}

/// Files are changed by patches, which the agent applies by itself.
fn tool(call: &Call) -> (String, Value) {
    let lines = |sign: char, text: &str| -> String {
        text.lines().map(|l| format!("{sign}{l}\n")).collect()
    };
    let patch = |head: &str, path: &str, body: String| {
        format!("*** Begin Patch\n*** {head} File: {path}\n{body}*** End Patch")
    };
    let shell = |cmd: String| ("exec_command".to_owned(), json!({"cmd": cmd}));
    match call {
        Call::Write { path, content } => {
            let patch = patch("Add", path, lines('+', content));
            shell(format!("apply_patch <<'EOF'\n{patch}\nEOF\n"))
        }
        Call::Edit { path, old, new } => {
            let body = format!("@@\n{}{}", lines('-', old), lines('+', new));
            let patch = patch("Update", path, body);
            shell(format!("apply_patch <<'EOF'\n{patch}\nEOF\n"))
        }
        Call::Sh { command } => shell(command.clone()),
        Call::Tool { name, input } => (name.clone(), input.clone()),
    }
}

/// The whole answer as events.
pub fn stream(step: &Step, id: &str) -> Vec<String> {
    let of = |id: &str, status: &str| json!({"id": format!("resp_{id}"), "status": status});
    let mut events = vec![event("response.created", json!({"response": of(id, "in_progress")}))];
    for (n, item) in items(step, id).into_iter().enumerate() {
        events.push(event("response.output_item.done", json!({"output_index": n, "item": item})));
    }
    let used = step.usage;
    let mut response = of(id, "completed");
    response["usage"] = json!({"input_tokens": used.fresh + used.cached,
        "input_tokens_details": {"cached_tokens": used.cached},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.fresh + used.cached + used.output});
    events.push(event("response.completed", json!({"response": response})));
    events
}

fn event(name: &str, mut data: Value) -> String {
    data["type"] = json!(name);
    format!("event: {name}\ndata: {data}\n\n")
}

pub fn error(kind: &str, message: &str) -> Value {
    json!({"error": {"message": message, "type": kind, "code": kind}})
}

/// An error inside a stream.
pub fn error_event(id: &str, kind: &str, message: &str) -> String {
    let error = json!({"code": kind, "message": message});
    event(
        "response.failed",
        json!({"response": {"id": format!("resp_{id}"), "status": "failed", "error": error}}),
    )
}

/// The word that goes with a code.
pub fn kind(code: u16) -> &'static str {
    match code {
        400 | 404 => "invalid_request_error",
        401 | 403 => "invalid_api_key",
        429 => "rate_limit_exceeded",
        _ => "server_error",
    }
}
