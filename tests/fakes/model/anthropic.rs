//! Anthropic's Messages API, as far as an agent uses it: `POST /v1/messages`, streamed or not.

use serde_json::{Value, json};

use super::conversation::{Conversation, Turn};
use super::script::{Call, Step, Tokens};

/// What an agent puts before the words of a person.
const REMINDER: &str = "<system-reminder>";
/// The tool that agents add for an answer with data.
const STRUCTURED: &str = "StructuredOutput";

pub fn read(body: &Value) -> Conversation {
    let names = body["tools"].as_array().into_iter().flatten().filter_map(|t| t["name"].as_str());
    let mut conversation = Conversation {
        model: body["model"].as_str().unwrap_or_default().to_owned(),
        stream: body["stream"] == true,
        tools: names.map(str::to_owned).collect(),
        folder: folder(&texts(&body["system"]).concat()),
        turns: Vec::new(),
    };
    for message in body["messages"].as_array().into_iter().flatten() {
        let content = &message["content"];
        match message["role"].as_str() {
            Some("assistant") => conversation.push(Turn::Model),
            Some("user") => {
                let results = results(content);
                if !results.is_empty() {
                    conversation.push(Turn::Results(results));
                }
                let said: Vec<String> = texts(content);
                let said: Vec<_> = said.into_iter().filter(|t| !t.starts_with(REMINDER)).collect();
                if !said.is_empty() {
                    conversation.push(Turn::User(said.join("\n")));
                }
            }
            _ => {}
        }
        conversation.folder = conversation.folder.or_else(|| folder(&texts(content).concat()));
    }
    conversation
}

/// The text of a content, which is a text or a list of blocks.
fn texts(content: &Value) -> Vec<String> {
    if let Some(text) = content.as_str() {
        return vec![text.to_owned()];
    }
    let blocks = content.as_array().into_iter().flatten();
    blocks.filter_map(|b| b["text"].as_str()).map(str::to_owned).collect()
}

fn results(content: &Value) -> Vec<String> {
    let blocks = content.as_array().into_iter().flatten();
    let results = blocks.filter(|b| b["type"] == "tool_result");
    results.map(|b| texts(&b["content"]).concat()).collect()
}

fn folder(system: &str) -> Option<String> {
    let (_, rest) = system.split_once("orking directory: ")?;
    rest.lines().next().map(|l| l.trim().to_owned())
}

/// The blocks of one answer.
fn blocks(step: &Step, of: &Conversation, id: &str) -> Vec<Value> {
    let mut blocks = Vec::new();
    let mut text = step.text.clone().unwrap_or_default();
    text.push_str(&"x".repeat(step.pad));
    let mut tools: Vec<(String, Value)> = step.calls.iter().map(|c| tool(c, of)).collect();
    match &step.answer {
        Some(answer) if answer.is_object() && of.tools.iter().any(|t| t == STRUCTURED) => {
            tools.push((STRUCTURED.to_owned(), answer.clone()));
        }
        Some(answer) => text.push_str(&answer.to_string()),
        None => {}
    }
    if !text.is_empty() || tools.is_empty() {
        blocks.push(json!({"type": "text", "text": text}));
    }
    for (n, (name, input)) in tools.into_iter().enumerate() {
        let id = format!("toolu_{id}_{n}");
        blocks.push(json!({"type": "tool_use", "id": id, "name": name, "input": input}));
    }
    blocks
}

fn tool(call: &Call, of: &Conversation) -> (String, Value) {
    let full = |path: &str| match &of.folder {
        Some(folder) if !path.starts_with('/') => format!("{folder}/{path}"),
        _ => path.to_owned(),
    };
    match call {
        Call::Write { path, content } => {
            ("Write".to_owned(), json!({"file_path": full(path), "content": content}))
        }
        Call::Edit { path, old, new } => (
            "Edit".to_owned(),
            json!({"file_path": full(path), "old_string": old, "new_string": new}),
        ),
        Call::Sh { command } => {
            ("Bash".to_owned(), json!({"command": command, "description": "a step"}))
        }
        Call::Tool { name, input } => (name.clone(), input.clone()),
    }
}

fn usage(tokens: Tokens) -> Value {
    json!({"input_tokens": tokens.fresh, "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": tokens.cached, "output_tokens": tokens.output})
}

/// The whole answer as one message.
pub fn message(step: &Step, of: &Conversation, id: &str) -> Value {
    let blocks = blocks(step, of, id);
    let calls = blocks.iter().any(|b| b["type"] == "tool_use");
    json!({"id": format!("msg_{id}"), "type": "message", "role": "assistant", "model": of.model,
        "content": blocks, "stop_reason": if calls { "tool_use" } else { "end_turn" },
        "stop_sequence": null, "usage": usage(step.usage)})
}

/// The same as events.
pub fn stream(step: &Step, of: &Conversation, id: &str) -> Vec<String> {
    let mut message = message(step, of, id);
    let blocks = message["content"].take();
    let stop = message["stop_reason"].take();
    let used = message["usage"]["output_tokens"].clone();
    message["content"] = json!([]);
    message["usage"]["output_tokens"] = json!(1);
    let mut events = vec![event("message_start", json!({"message": message}))];
    for (n, block) in blocks.as_array().into_iter().flatten().enumerate() {
        let mut start = block.clone();
        let delta = if block["type"] == "text" {
            start["text"] = json!("");
            json!({"type": "text_delta", "text": block["text"]})
        } else {
            start["input"] = json!({});
            json!({"type": "input_json_delta", "partial_json": block["input"].to_string()})
        };
        events.push(event("content_block_start", json!({"index": n, "content_block": start})));
        events.push(event("content_block_delta", json!({"index": n, "delta": delta})));
        events.push(event("content_block_stop", json!({"index": n})));
    }
    events.push(event(
        "message_delta",
        json!({"delta": {"stop_reason": stop, "stop_sequence": null},
            "usage": {"output_tokens": used}}),
    ));
    events.push(event("message_stop", json!({})));
    events
}

/// One event of a stream; the line with its name is required.
fn event(name: &str, mut data: Value) -> String {
    data["type"] = json!(name);
    format!("event: {name}\ndata: {data}\n\n")
}

pub fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

/// An error inside a stream.
pub fn error_event(kind: &str, message: &str) -> String {
    event("error", error(kind, message))
}

/// The word that goes with a code.
pub fn kind(code: u16) -> &'static str {
    match code {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    }
}
