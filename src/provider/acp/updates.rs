//! `session/update` as events. Words come in pieces of any size and are put together until
//! something else is said; counts that grow over a conversation become what came since.

use std::collections::BTreeMap;

use agent_client_protocol::v1::schema::{
    ContentBlock, ContentChunk, SessionUpdate, ToolCall, ToolCallContent, ToolCallId,
    ToolCallStatus, ToolCallUpdate, ToolCallUpdateFields, ToolKind, Usage, UsageUpdate,
};
use serde_json::{Value, json};

use super::files::Files;
use crate::agent::Event;
use crate::provider::agent_cli::shorten;

/// Words are given out when they are longer than this, wherever they are.
const MAX_PIECE: usize = 48 << 10;
/// Costs that differ by less are the same cost, after another way of adding it up.
const ROUNDING_USD: f64 = 1e-6;
/// No answer is longer.
const MAX_ANSWER: usize = 16 << 20;

/// Whose words are being put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    Text,
    Thinking,
}

/// A tool call that was announced.
#[derive(Debug)]
struct Call {
    fields: ToolCallUpdateFields,
    is_told: bool,
    is_over: bool,
}

#[derive(Debug)]
pub(super) struct Updates {
    files: Files,
    voice: Voice,
    message: Option<String>,
    words: String,
    /// Everything that it said since it last did something else: the answer is in there.
    last_words: String,
    calls: BTreeMap<String, Call>,
    /// Tool calls so far.
    pub called: u32,
    /// US dollars of the conversation before this turn; `None`: not known.
    before: Option<f64>,
    /// What the agent's numbers of this turn begin with.
    base: Option<f64>,
    /// Of the conversation, with this turn.
    pub total_usd: Option<f64>,
    told_usd: f64,
}

impl Updates {
    /// `before`: what the conversation had cost when the turn began, where that is known.
    pub fn new(files: Files, before: Option<f64>) -> Self {
        Self {
            files,
            voice: Voice::Text,
            message: None,
            words: String::new(),
            last_words: String::new(),
            calls: BTreeMap::new(),
            called: 0,
            before,
            base: None,
            total_usd: None,
            told_usd: 0.0,
        }
    }

    /// US dollars of this turn, where they are known.
    pub fn spent(&self) -> f64 {
        self.told_usd
    }

    pub fn last_words(&self) -> &str {
        &self.last_words
    }

    pub fn take(&mut self, update: SessionUpdate) -> Vec<Event> {
        match update {
            SessionUpdate::AgentMessageChunk(chunk) => self.say(Voice::Text, chunk),
            SessionUpdate::AgentThoughtChunk(chunk) => self.say(Voice::Thinking, chunk),
            SessionUpdate::ToolCall(call) => self.call(call),
            SessionUpdate::ToolCallUpdate(update) => self.call_update(update),
            SessionUpdate::UsageUpdate(usage) => self.cost(&usage),
            // What we said ourselves.
            SessionUpdate::UserMessageChunk(_) => Vec::new(),
            // For whoever shows it while it runs.
            SessionUpdate::AvailableCommandsUpdate(_)
            | SessionUpdate::CurrentModeUpdate(_)
            | SessionUpdate::ConfigOptionUpdate(_)
            | SessionUpdate::SessionInfoUpdate(_) => Vec::new(),
            other => self.unknown(serde_json::to_value(other).unwrap_or_default()),
        }
    }

    /// What this version does not know is kept as it is.
    pub fn unknown(&mut self, data: Value) -> Vec<Event> {
        let mut out = self.flush();
        out.push(Event::Raw { data: shorten::value(data) });
        out
    }

    /// The words that are still together, and calls that nobody heard the end of.
    pub fn close(&mut self) -> Vec<Event> {
        let mut out = self.flush();
        let open: Vec<String> = self.calls.keys().cloned().collect();
        for id in open {
            out.extend(self.tell(&id));
        }
        out
    }

    fn say(&mut self, voice: Voice, chunk: ContentChunk) -> Vec<Event> {
        let id = chunk.message_id.as_ref().map(|id| id.0.to_string());
        let mut out = Vec::new();
        let other = self.message.is_some() && id.is_some() && id != self.message;
        if voice != self.voice || other {
            out = self.flush();
        }
        if voice == Voice::Text && (self.last_words.len() > MAX_ANSWER || other) {
            self.last_words.clear();
        }
        self.voice = voice;
        self.message = id;
        let text = text_of(&chunk.content);
        if voice == Voice::Text {
            self.last_words.push_str(&text);
        }
        self.words.push_str(&text);
        if self.words.len() > MAX_PIECE {
            out.extend(self.flush());
        }
        out
    }

    fn flush(&mut self) -> Vec<Event> {
        let words = std::mem::take(&mut self.words);
        let mut out = Vec::new();
        let mut rest = words.as_str();
        while !rest.trim().is_empty() {
            let mut end = rest.len().min(MAX_PIECE);
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            let (text, more) = rest.split_at(end);
            let text = text.to_owned();
            out.push(match self.voice {
                Voice::Text => Event::Text { text },
                Voice::Thinking => Event::Thinking { text },
            });
            rest = more;
        }
        out
    }

    fn call(&mut self, call: ToolCall) -> Vec<Event> {
        let mut fields = ToolCallUpdateFields::new()
            .kind(call.kind)
            .title(call.title)
            .status(call.status)
            .content(call.content)
            .locations(call.locations);
        fields.name = call.name;
        fields.raw_input = call.raw_input;
        fields.raw_output = call.raw_output;
        self.call_update(ToolCallUpdate::new(call.tool_call_id, fields))
    }

    fn call_update(&mut self, update: ToolCallUpdate) -> Vec<Event> {
        let mut out = self.flush();
        self.last_words.clear();
        let id = update.tool_call_id.0.to_string();
        let known = self.merge(&update);
        let status = known.status;
        let has_input = known.raw_input.as_ref().is_some_and(|v| !is_empty(v));
        let started = status.is_some_and(|s| s != ToolCallStatus::Pending);
        // The first word of a call often comes before its input.
        if has_input || started {
            out.extend(self.tell(&id));
        }
        if let Some(status @ (ToolCallStatus::Completed | ToolCallStatus::Failed)) = status {
            out.extend(self.result(&id, status == ToolCallStatus::Failed));
        }
        out
    }

    /// What is known of a call, with what an update says of it.
    fn merge(&mut self, update: &ToolCallUpdate) -> &ToolCallUpdateFields {
        let id = update.tool_call_id.0.to_string();
        let call = self.calls.entry(id).or_insert_with(|| {
            self.called += 1;
            Call { fields: ToolCallUpdateFields::new(), is_told: false, is_over: false }
        });
        let (known, new) = (&mut call.fields, update.fields.clone());
        fn put<T>(known: &mut Option<T>, new: Option<T>) {
            if new.is_some() {
                *known = new;
            }
        }
        put(&mut known.kind, new.kind);
        put(&mut known.status, new.status);
        put(&mut known.title, new.title);
        put(&mut known.name, new.name);
        put(&mut known.content, new.content);
        put(&mut known.locations, new.locations);
        put(&mut known.raw_input, new.raw_input.filter(|v| !is_empty(v)));
        put(&mut known.raw_output, new.raw_output);
        known
    }

    /// The agent asks whether it may: the call with all that is known of it, and its kind.
    pub fn asked(&mut self, update: &ToolCallUpdate) -> (Vec<Event>, ToolCallUpdate) {
        let mut out = self.flush();
        let whole = self.merge(update).clone();
        out.extend(self.tell(&update.tool_call_id.0));
        (out, ToolCallUpdate::new(update.tool_call_id.clone(), whole))
    }

    pub fn kind_of(&self, id: &ToolCallId) -> Option<ToolKind> {
        self.calls.get(&*id.0).and_then(|call| call.fields.kind)
    }

    pub fn name_of(&self, id: &ToolCallId) -> String {
        self.calls.get(&*id.0).map_or_else(|| "tool".into(), |call| name(&call.fields))
    }

    /// Says once that the call was made.
    fn tell(&mut self, id: &str) -> Option<Event> {
        let call = self.calls.get_mut(id).filter(|call| !call.is_told)?;
        call.is_told = true;
        let input = match &call.fields.raw_input {
            Some(input) => input.clone(),
            None => {
                let places = call.fields.locations.iter().flatten();
                let paths: Vec<String> = places.map(|l| self.files.shown(&l.path)).collect();
                json!({"title": call.fields.title, "paths": paths})
            }
        };
        Some(Event::ToolCall { name: name(&call.fields), input: shorten::value(input) })
    }

    fn result(&mut self, id: &str, is_error: bool) -> Vec<Event> {
        let Some(call) = self.calls.get_mut(id).filter(|call| !call.is_over) else {
            return Vec::new();
        };
        call.is_over = true;
        let content = call.fields.content.take().unwrap_or_default();
        let mut texts: Vec<String> = Vec::new();
        let mut out = Vec::new();
        for part in &content {
            match part {
                ToolCallContent::Content(content) => texts.push(text_of(&content.content)),
                ToolCallContent::Diff(diff) if !is_error => out.push(Event::FileChange {
                    path: self.files.shown(&diff.path),
                    kind: if diff.old_text.is_none() { "added" } else { "modified" }.into(),
                }),
                _ => {}
            }
        }
        if texts.is_empty()
            && let Some(output) = call.fields.raw_output.take()
        {
            texts.push(output.as_str().map_or_else(|| output.to_string(), str::to_owned));
        }
        let output = shorten::text(&texts.join("\n"));
        out.push(Event::ToolResult { name: name(&call.fields), output, is_error });
        out
    }

    /// The cost of the whole conversation, as what this turn added to it.
    fn cost(&mut self, usage: &UsageUpdate) -> Vec<Event> {
        let Some(cost) = usage.cost.as_ref().filter(|cost| cost.amount.is_finite()) else {
            return Vec::new();
        };
        if cost.currency != "USD" {
            let data = json!({"cost": cost.amount, "currency": cost.currency});
            return vec![Event::Raw { data }];
        }
        let Some(before) = self.before else { return Vec::new() };
        // The protocol counts a conversation from its beginning; agents that forgot the earlier
        // turns, because that was another process, are known by the first number that they say: it
        // is less than what was known. Nothing new at first is the same number again.
        let forgot = cost.amount < before - ROUNDING_USD;
        let base = *self.base.get_or_insert(if forgot { 0.0 } else { before });
        let more = cost.amount - base - self.told_usd;
        if more < ROUNDING_USD {
            return Vec::new();
        }
        self.told_usd += more;
        self.total_usd = Some(before + self.told_usd);
        vec![Event::Cost { usd: more }]
    }
}

/// Tokens of the turn, `input` without what was read from a cache. The protocol does not say
/// whether its input has that in it; where the sum of all is the one of input and output, it has.
/// What was written to a cache was read like any other input.
pub(super) fn usage(usage: &Usage) -> Event {
    let cached = usage.cached_read_tokens;
    let (read, written) = (cached.unwrap_or(0), usage.cached_write_tokens.unwrap_or(0));
    let thought = usage.thought_tokens.unwrap_or(0);
    let both = usage.input_tokens.saturating_add(usage.output_tokens);
    let has_all = [both, both.saturating_add(thought)].contains(&usage.total_tokens);
    let input = if has_all {
        usage.input_tokens.saturating_sub(read)
    } else {
        usage.input_tokens.saturating_add(written)
    };
    Event::Usage {
        input: Some(input),
        cached_input: cached,
        output: Some(usage.output_tokens),
        reasoning: usage.thought_tokens,
    }
}

fn name(fields: &ToolCallUpdateFields) -> String {
    let kind = || serde_json::to_value(fields.kind?).ok()?.as_str().map(str::to_owned);
    let named = fields.name.clone().or_else(kind).or_else(|| fields.title.clone());
    named.unwrap_or_else(|| "tool".into())
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty)
}

fn text_of(content: &ContentBlock) -> String {
    match content {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::ResourceLink(link) => format!("[{}]", link.uri),
        ContentBlock::Image(_) => "[image]".into(),
        ContentBlock::Audio(_) => "[audio]".into(),
        _ => "[resource]".into(),
    }
}
