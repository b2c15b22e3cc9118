//! The lines of `--output-format stream-json`. What is known becomes an event; the rest is kept as
//! it is. `subtype: success` does not mean success, refusals of a tool end with exit 0, there may
//! be several results, and its costs count from the beginning of the conversation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::errors;
use crate::agent::{ErrorClass, Event};
use crate::base::clock::Clock;
use crate::base::text::one_line;
use crate::provider::agent_cli::{Finding, Lines, Said, Totals, relative, reset_time, shorten};
use crate::session::event::Usage;

/// A longer wait of its own is ended: Otto waits, and a person sees it.
const PATIENCE: SignedDuration = SignedDuration::from_secs(5);

#[derive(Debug)]
pub(in crate::provider) struct ClaudeLines {
    workdir: PathBuf,
    /// The conversation that is gone on with.
    resumed: Option<String>,
    session: Option<String>,
    started: bool,
    tools: BTreeMap<String, String>,
    denied: BTreeSet<String>,
    /// What the conversation has used up to the last result.
    total: Usage,
    /// Whether `total` counts from the conversation's beginning.
    total_known: bool,
    said: Said,
    answer: Option<Value>,
    /// The last failure of a request: kind and status.
    failure: (Option<String>, Option<u64>),
    until: Option<Timestamp>,
    gave_up: bool,
}

impl ClaudeLines {
    pub fn new(workdir: &Path, resumed: Option<String>, before: Option<Usage>) -> Self {
        Self {
            workdir: workdir.to_owned(),
            total_known: resumed.is_none() || before.is_some(),
            total: before.unwrap_or_default(),
            resumed,
            session: None,
            started: false,
            tools: BTreeMap::new(),
            denied: BTreeSet::new(),
            said: Said::Nothing,
            answer: None,
            failure: (None, None),
            until: None,
            gave_up: false,
        }
    }

    fn system(&mut self, line: Value) -> Vec<Event> {
        match text(&line, "subtype") {
            Some("init") if !self.started => {
                self.started = true;
                vec![Event::Started {
                    provider_session: self.session.clone(),
                    version: text(&line, "claude_code_version").map(str::to_owned),
                    model: text(&line, "model").map(str::to_owned),
                }]
            }
            Some("permission_denied") => {
                let id = text(&line, "tool_use_id").unwrap_or_default().to_owned();
                let tool = text(&line, "tool_name").unwrap_or("?").to_owned();
                self.deny(id, tool).into_iter().collect()
            }
            Some("api_retry") => {
                self.failed_request(&line);
                let delay = line.get("retry_delay_ms").and_then(Value::as_i64).unwrap_or(0);
                let delay = SignedDuration::from_millis(delay);
                if delay > PATIENCE {
                    let now = Clock::from_env().now();
                    self.until = now.checked_add(delay).ok();
                    self.gave_up = true;
                    self.said = self.failed("it waits before it tries again");
                }
                vec![raw(line)]
            }
            Some(_) | None => vec![raw(line)],
        }
    }

    fn deny(&mut self, id: String, tool: String) -> Option<Event> {
        self.denied.insert(id).then_some(Event::Denied { tool })
    }

    fn failed_request(&mut self, line: &Value) {
        let kind = text(line, "error").or_else(|| text(line, "api_error")).map(str::to_owned);
        let status = line
            .get("error_status")
            .or_else(|| line.get("api_error_status"))
            .and_then(Value::as_u64);
        if kind.is_some() || status.is_some() {
            self.failure = (kind, status);
        }
    }

    fn assistant(&mut self, line: Value) -> Vec<Event> {
        // The words of a request that failed, as if the agent had said them.
        if line.get("is_api_error_message").and_then(Value::as_bool) == Some(true) {
            self.failed_request(&line);
            return vec![raw(line)];
        }
        let of_sub_agent = line.get("parent_tool_use_id").is_some_and(|id| !id.is_null());
        let blocks = line.pointer("/message/content").and_then(Value::as_array);
        let blocks = blocks.cloned().unwrap_or_default();
        blocks.into_iter().map(|block| self.block(block, of_sub_agent)).collect()
    }

    fn block(&mut self, block: Value, of_sub_agent: bool) -> Event {
        let said = |name| shorten::text(text(&block, name).unwrap_or_default());
        match text(&block, "type") {
            // What a helper says to the agent is no claim of the agent.
            Some("text") if of_sub_agent => raw(json!({"sub_agent": said("text")})),
            Some("text") => Event::Text { text: said("text") },
            Some("thinking") => Event::Thinking { text: said("thinking") },
            Some("tool_use") => {
                let name = text(&block, "name").unwrap_or("?").to_owned();
                if let Some(id) = text(&block, "id") {
                    self.tools.insert(id.to_owned(), name.clone());
                }
                let input = block.get("input").cloned().unwrap_or_default();
                Event::ToolCall { name, input: shorten::value(input) }
            }
            Some(_) | None => raw(block),
        }
    }

    fn user(&mut self, line: Value) -> Vec<Event> {
        let blocks = line.pointer("/message/content").and_then(Value::as_array);
        let (results, rest): (Vec<_>, Vec<_>) = blocks
            .into_iter()
            .flatten()
            .partition(|block| text(block, "type") == Some("tool_result"));
        if results.is_empty() || !rest.is_empty() {
            // Nudges that the program gives to its model.
            return vec![raw(line)];
        }
        let mut events: Vec<Event> =
            results.into_iter().map(|block| self.result_of(block)).collect();
        let done = line.get("tool_use_result").unwrap_or(&Value::Null);
        events.extend(self.changes(done));
        events
    }

    fn result_of(&self, block: &Value) -> Event {
        let id = text(block, "tool_use_id").unwrap_or_default();
        let output = match block.get("content") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => {
                let texts: Vec<&str> = parts.iter().filter_map(|part| text(part, "text")).collect();
                texts.join("\n")
            }
            Some(other) => other.to_string(),
            None => String::new(),
        };
        Event::ToolResult {
            name: self.tools.get(id).cloned().unwrap_or_default(),
            output: shorten::text(&output),
            is_error: block.get("is_error").and_then(Value::as_bool) == Some(true),
        }
    }

    /// The files that a tool says it changed; the tree is what counts.
    fn changes(&self, done: &Value) -> Vec<Event> {
        let change = |path: &str, kind: &str| Event::FileChange {
            path: relative(path, &self.workdir),
            kind: kind.to_owned(),
        };
        let wrote = done.get("structuredPatch").is_some();
        if let Some(path) = text(done, "filePath").filter(|_| wrote) {
            let kind = if text(done, "type") == Some("create") { "added" } else { "modified" };
            return vec![change(path, kind)];
        }
        let by_command = done.pointer("/bashEditDiff/changedFiles").and_then(Value::as_array);
        let paths = by_command.into_iter().flatten().filter_map(Value::as_str);
        paths.map(|path| change(path, "modified")).collect()
    }

    fn limit(&mut self, line: Value) -> Vec<Event> {
        let info = line.get("rate_limit_info");
        let rejected = info.and_then(|info| text(info, "status")) == Some("rejected");
        if rejected && let Some(at) = info.and_then(|i| i.get("resetsAt")).and_then(Value::as_i64) {
            self.until = Timestamp::from_second(at).ok();
        }
        vec![raw(line)]
    }

    fn result(&mut self, line: &Value) -> Vec<Event> {
        let mut events = self.spent(line);
        for denial in line.get("permission_denials").and_then(Value::as_array).into_iter().flatten()
        {
            let id = text(denial, "tool_use_id").unwrap_or_default().to_owned();
            events.extend(self.deny(id, text(denial, "tool_name").unwrap_or("?").to_owned()));
        }
        if let Some(answer) = line.get("structured_output").filter(|answer| answer.is_object()) {
            self.answer = Some(answer.clone());
        }
        if !self.gave_up {
            self.said = self.outcome(line);
        }
        events
    }

    /// Whether this result is a good one: `is_error` says, and `subtype` does not.
    fn outcome(&mut self, line: &Value) -> Said {
        if line.get("is_error").and_then(Value::as_bool) == Some(false) {
            return Said::Good;
        }
        let errors = line.get("errors").and_then(Value::as_array);
        let errors: Vec<&str> = errors.into_iter().flatten().filter_map(Value::as_str).collect();
        let words = match text(line, "result") {
            Some(words) => words.to_owned(),
            None => errors.join("; "),
        };
        let because = |class| Said::Failed { class, message: one_line(&words, 500), until: None };
        match (text(line, "subtype"), text(line, "terminal_reason"), text(line, "stop_reason")) {
            (Some("error_max_turns"), _, _) | (_, Some("max_turns"), _) => {
                Said::Capped("max_turns")
            }
            (Some("error_max_budget_usd"), _, _) | (_, Some("budget_exhausted"), _) => {
                Said::Capped("budget")
            }
            (Some("error_max_structured_output_retries"), _, _) => because(ErrorClass::Unknown),
            (_, Some("aborted_tools" | "aborted_streaming"), _) => because(ErrorClass::Interrupted),
            (_, Some("prompt_too_long"), _) => because(ErrorClass::ContextLength),
            (_, _, Some("refusal")) => because(ErrorClass::Refused),
            (_, _, _) => {
                self.failed_request(line);
                self.failed(&words)
            }
        }
    }

    fn failed(&self, words: &str) -> Said {
        let (kind, status) = &self.failure;
        let class = errors::of_failure(words, kind.as_deref(), *status);
        let zone = TimeZone::system();
        let said = reset_time(class, words, Clock::from_env().now(), &zone);
        let until = said.or(self.until).map(|at| at.to_string());
        Said::Failed { class, message: one_line(words, 500), until }
    }

    /// Tokens and money since the last result. Newer versions say both by themselves, with what
    /// their helpers used; older ones only what the conversation has cost since it began.
    fn spent(&mut self, line: &Value) -> Vec<Event> {
        let own = line.get("model_usage_since_last_result").and_then(Value::as_object);
        let total = line.get("total_cost_usd").and_then(Value::as_f64);
        let conversation = Totals::of("", Usage { usd: total, ..Usage::default() });
        let (mut tokens, usd) = match own {
            Some(models) => {
                let mut sum = Usage::default();
                for model in models.values() {
                    sum.add(&tokens_of(model, &MODEL_NAMES));
                }
                let costs =
                    models.values().filter_map(|m| m.get("costUSD").and_then(Value::as_f64));
                (sum, Some(costs.sum()))
            }
            None => {
                let usage = line.get("usage").unwrap_or(&Value::Null);
                let known = self.total_known.then(|| conversation.since(&self.total).usd).flatten();
                (tokens_of(usage, &USAGE_NAMES), known)
            }
        };
        tokens.usd = None;
        if total.is_some() {
            self.total.usd = total;
            self.total_known = true;
        }
        let mut events = Vec::new();
        if tokens != Usage::default() {
            let Usage { input, cached_input, output, reasoning, .. } = tokens;
            events.push(Event::Usage { input, cached_input, output, reasoning });
        }
        events.extend(usd.filter(|usd| *usd > 0.0).map(|usd| Event::Cost { usd }));
        events
    }
}

const USAGE_NAMES: [&str; 4] =
    ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"];
const MODEL_NAMES: [&str; 4] =
    ["inputTokens", "cacheCreationInputTokens", "cacheReadInputTokens", "outputTokens"];

/// Its counts of cached input come on top of `input`. What was written to the cache was read like
/// any other input.
fn tokens_of(usage: &Value, names: &[&str; 4]) -> Usage {
    let n = |at: usize| usage.get(names[at]).and_then(Value::as_u64);
    let thinking = usage
        .pointer("/output_tokens_details/thinking_tokens")
        .or_else(|| usage.get("thinkingTokens"))
        .and_then(Value::as_u64);
    Usage {
        input: n(0).map(|input| input + n(1).unwrap_or(0)),
        cached_input: n(2),
        output: n(3),
        reasoning: thinking,
        ..Usage::default()
    }
}

impl Lines for ClaudeLines {
    fn read(&mut self, line: Value) -> Vec<Event> {
        if let Some(id) = text(&line, "session_id") {
            self.session = Some(id.to_owned());
        }
        match text(&line, "type") {
            Some("system") => self.system(line),
            Some("assistant") => self.assistant(line),
            Some("user") => self.user(line),
            Some("result") => self.result(&line),
            Some("rate_limit_event") => self.limit(line),
            Some(_) | None => vec![raw(line)],
        }
    }

    fn gave_up(&self) -> bool {
        self.gave_up
    }

    fn finding(self) -> Finding {
        let conversation = self.session.or(self.resumed).unwrap_or_default();
        let counted = self.total_known && self.total.usd.is_some() && !conversation.is_empty();
        let totals = counted.then(|| Totals::of(&conversation, self.total));
        Finding { said: self.said, answer: self.answer, totals }
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn raw(line: Value) -> Event {
    Event::Raw { data: shorten::value(line) }
}
