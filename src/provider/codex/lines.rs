//! The lines of `codex exec --json`. What is known becomes an event; the rest is kept as it is. An
//! `error` is not the end of a turn, commands that were denied may not appear at all, its counts go
//! on from turn to turn, and an answer was never compared with its schema.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{errors, schema};
use crate::agent::{ErrorClass, Event};
use crate::base::clock::Clock;
use crate::base::text::one_line;
use crate::provider::agent_cli::{
    Ask, Finding, Lines, Said, Totals, count, relative, reset_time, shorten,
};
use crate::session::event::Usage;

#[derive(Debug)]
pub(in crate::provider) struct CodexLines {
    workdir: PathBuf,
    version: Option<String>,
    model: Option<String>,
    /// What the conversation had used before; `None` where that is not known.
    before: Option<Usage>,
    thread: Option<String>,
    /// Items whose call was reported.
    called: BTreeSet<String>,
    message: Option<String>,
    total: Option<Usage>,
    said: Said,
    gave_up: bool,
}

impl CodexLines {
    pub fn new(ask: &Ask<'_>) -> Self {
        let fresh = ask.request.resume.is_none();
        Self {
            workdir: ask.request.workdir.clone(),
            version: ask.version.clone(),
            model: ask.request.model.clone(),
            before: if fresh { Some(Usage::default()) } else { ask.before },
            thread: None,
            called: BTreeSet::new(),
            message: None,
            total: None,
            said: Said::Nothing,
            gave_up: false,
        }
    }

    fn item(&mut self, line: Value, is_over: bool) -> Vec<Event> {
        let Some(item) = line.get("item") else { return vec![raw(line)] };
        let said = |name| text(item, name).unwrap_or_default();
        match text(item, "type") {
            Some("agent_message") if is_over => {
                self.message = Some(said("text").to_owned());
                vec![Event::Text { text: shorten::text(said("text")) }]
            }
            Some("reasoning") if is_over => {
                vec![Event::Thinking { text: shorten::text(said("text")) }]
            }
            Some("command_execution") => {
                let input = said("command").into();
                let output = said("aggregated_output").to_owned();
                let failed = item.get("exit_code").and_then(Value::as_i64).is_none_or(|c| c != 0);
                self.tool(item, "command", input, output, failed, is_over)
            }
            Some("mcp_tool_call") => {
                let name = format!("{}.{}", said("server"), said("tool"));
                let input = item.get("arguments").cloned().unwrap_or_default();
                let output = item.get("result").map(Value::to_string).unwrap_or_default();
                let failed = text(item, "status") == Some("failed");
                self.tool(item, &name, input, output, failed, is_over)
            }
            Some("web_search") => {
                let input = said("query").into();
                self.tool(item, "web_search", input, String::new(), false, is_over)
            }
            Some("file_change") if is_over => self.file_change(item),
            // Its beginning says no more than its end.
            Some("file_change") => Vec::new(),
            Some(_) | None => vec![raw(line)],
        }
    }

    /// A call at the item's beginning, or at its end where that is all there is; a result at its
    /// end.
    fn tool(
        &mut self,
        item: &Value,
        name: &str,
        input: Value,
        output: String,
        failed: bool,
        is_over: bool,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        if self.called.insert(text(item, "id").unwrap_or_default().to_owned()) {
            events.push(Event::ToolCall { name: name.into(), input: shorten::value(input) });
        }
        if is_over {
            if text(item, "status") == Some("declined") {
                events.push(Event::Denied { tool: name.into() });
            }
            let output = shorten::text(&output);
            events.push(Event::ToolResult { name: name.into(), output, is_error: failed });
        }
        events
    }

    fn file_change(&mut self, item: &Value) -> Vec<Event> {
        let changes = item.get("changes").and_then(Value::as_array);
        let changes: Vec<&Value> = changes.into_iter().flatten().collect();
        let status = text(item, "status");
        let mut events = Vec::new();
        if status != Some("completed") {
            if status == Some("declined") {
                events.push(Event::Denied { tool: "file_change".into() });
            }
            let output = shorten::text(&item.to_string());
            let name = "file_change".into();
            events.push(Event::ToolResult { name, output, is_error: true });
            return events;
        }
        let call = json!({"changes": changes});
        events.push(Event::ToolCall { name: "file_change".into(), input: shorten::value(call) });
        events.extend(changes.iter().map(|change| {
            Event::FileChange {
                path: relative(text(change, "path").unwrap_or("?"), &self.workdir),
                kind: match text(change, "kind") {
                    Some("add") => "added",
                    Some("delete") => "deleted",
                    Some(_) | None => "modified",
                }
                .to_owned(),
            }
        }));
        events
    }

    /// `Reconnecting… 1/5 (why)` is said before it waits: the end comes as `turn.failed`. It does
    /// not say how long it will wait, and a server that limits may ask for hours.
    fn error(&mut self, line: Value) -> Vec<Event> {
        let message = text(&line, "message").unwrap_or_default();
        let waits = message.starts_with("Reconnecting");
        let limits = [ErrorClass::RateLimit, ErrorClass::Quota];
        if waits && limits.contains(&errors::of_failure(message)) {
            self.gave_up = true;
            let why = message.split_once('(').map_or(message, |(_, why)| why);
            self.said = failed(why.strip_suffix(')').unwrap_or(why));
        }
        vec![raw(line)]
    }

    fn completed(&mut self, line: &Value) -> Vec<Event> {
        if !self.gave_up {
            self.said = Said::Good;
        }
        let Some(usage) = line.get("usage").filter(|usage| usage.is_object()) else {
            return Vec::new();
        };
        let cached = count(usage, "cached_input_tokens");
        let total = Usage {
            // Its cached input is a part of the input.
            input: count(usage, "input_tokens").map(|all| all.saturating_sub(cached.unwrap_or(0))),
            cached_input: cached,
            output: count(usage, "output_tokens"),
            reasoning: count(usage, "reasoning_output_tokens"),
            ..Usage::default()
        };
        let before = self.before.replace(total);
        self.total = Some(total);
        // Without the count before, a part of it would be counted twice.
        let Some(before) = before else { return Vec::new() };
        let spent = Totals::of("", total).since(&before);
        let Usage { input, cached_input, output, reasoning, .. } = spent;
        vec![Event::Usage { input, cached_input, output, reasoning }]
    }
}

impl Lines for CodexLines {
    fn read(&mut self, line: Value) -> Vec<Event> {
        match text(&line, "type") {
            Some("thread.started") => {
                self.thread = text(&line, "thread_id").map(str::to_owned);
                vec![Event::Started {
                    provider_session: self.thread.clone(),
                    version: self.version.clone(),
                    model: self.model.clone(),
                }]
            }
            Some("turn.started") => Vec::new(),
            Some("item.started") => self.item(line, false),
            Some("item.completed") => self.item(line, true),
            Some("error") => self.error(line),
            Some("turn.completed") => self.completed(&line),
            Some("turn.failed") => {
                let message = line.pointer("/error/message").and_then(Value::as_str);
                if !self.gave_up {
                    self.said = failed(message.unwrap_or("it failed and did not say why"));
                }
                Vec::new()
            }
            Some(_) | None => vec![raw(line)],
        }
    }

    fn gave_up(&self) -> bool {
        self.gave_up
    }

    fn finding(self) -> Finding {
        let answer = self.message.as_deref().and_then(schema::answer_of);
        let totals = self.thread.zip(self.total).map(|(thread, usage)| Totals::of(&thread, usage));
        Finding { said: self.said, answer, totals }
    }
}

fn failed(words: &str) -> Said {
    let body: Option<Value> = serde_json::from_str(words).ok();
    // The answer to a bad request comes as it is.
    let of_body = body.as_ref().and_then(|body| body.pointer("/error/message")?.as_str());
    let class = errors::of_failure(words);
    let until = reset_time(class, words, Clock::from_env().now(), &TimeZone::system());
    Said::Failed {
        class,
        message: one_line(of_body.unwrap_or(words), 500),
        until: until.map(|at| at.to_string()),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn raw(line: Value) -> Event {
    Event::Raw { data: shorten::value(line) }
}
