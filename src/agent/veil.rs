//! Events without their secrets. A provider may cut its agent's words anywhere, in the middle of a
//! key too: what may be the beginning of one waits for what follows.

use serde_json::Value;

use super::protocol::Event;
use crate::base::Secrets;
use crate::base::redact::{Scan, replace};

/// Words that wait are let go when they are longer than this.
const MAX_WAITING: usize = 64 << 10;

/// What a stream of words is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
}

/// Takes events and gives them back without secrets, in their order.
#[derive(Debug)]
pub(super) struct Veil {
    secrets: Secrets,
    kind: Kind,
    waiting: Vec<String>,
    text: Scan,
    thinking: Scan,
}

impl Veil {
    pub fn new(secrets: Secrets) -> Self {
        let scan = || Scan::new(secrets.clone());
        let (text, thinking) = (scan(), scan());
        Self { secrets, kind: Kind::Text, waiting: Vec::new(), text, thinking }
    }

    pub fn take(&mut self, event: Event) -> Vec<Event> {
        match event {
            Event::Text { text } => self.words(Kind::Text, text),
            Event::Thinking { text } => self.words(Kind::Thinking, text),
            other => {
                let mut out = self.flush();
                out.push(self.whole(other));
                out
            }
        }
    }

    /// What waits, as it is without what would have followed.
    pub fn flush(&mut self) -> Vec<Event> {
        self.give(true)
    }

    fn words(&mut self, kind: Kind, text: String) -> Vec<Event> {
        let mut out = Vec::new();
        if kind != self.kind {
            out = self.flush();
            self.kind = kind;
        }
        if self.waiting.is_empty() {
            self.scan().pause(text.as_bytes());
        }
        self.waiting.push(text);
        let size: usize = self.waiting.iter().map(String::len).sum();
        let many = self.waiting.len() > 1 && size > MAX_WAITING;
        out.extend(self.give(many));
        out
    }

    fn scan(&mut self) -> &mut Scan {
        match self.kind {
            Kind::Text => &mut self.text,
            Kind::Thinking => &mut self.thinking,
        }
    }

    /// Gives out what waits, once all of it is decided.
    fn give(&mut self, now: bool) -> Vec<Event> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let all = self.waiting.concat();
        let mut scan = self.scan().clone();
        let found = scan.look(all.as_bytes(), now);
        if found.decided < all.len() {
            return Vec::new();
        }
        *self.scan() = scan;
        let mut from = 0;
        let waiting = std::mem::take(&mut self.waiting);
        let events = waiting.into_iter().map(|text| {
            let mut shown = Vec::with_capacity(text.len());
            replace(all.as_bytes(), from..from + text.len(), &found.spans, &mut shown);
            from += text.len();
            let text = String::from_utf8_lossy(&shown).into_owned();
            match self.kind {
                Kind::Text => Event::Text { text },
                Kind::Thinking => Event::Thinking { text },
            }
        });
        events.collect()
    }

    /// An event that is whole by itself. Words of the protocol stay what they are.
    fn whole(&self, event: Event) -> Event {
        let hide = |text: String| self.secrets.hide(&text);
        let hide_json = |value: Value| self.secrets.hide_json(&value);
        match event {
            Event::ToolCall { name, input } => {
                Event::ToolCall { name: hide(name), input: hide_json(input) }
            }
            Event::ToolResult { name, output, is_error } => {
                Event::ToolResult { name: hide(name), output: hide(output), is_error }
            }
            Event::FileChange { path, kind } => Event::FileChange { path: hide(path), kind },
            Event::Denied { tool } => Event::Denied { tool: hide(tool) },
            Event::Error { class, message } => Event::Error { class, message: hide(message) },
            Event::Raw { data } => Event::Raw { data: hide_json(data) },
            Event::Done { reason, structured } => {
                Event::Done { reason: hide(reason), structured: structured.map(hide_json) }
            }
            same @ (Event::Text { .. }
            | Event::Thinking { .. }
            | Event::Started { .. }
            | Event::Usage { .. }
            | Event::Cost { .. }
            | Event::RateLimited { .. }) => same,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn veil() -> Veil {
        Veil::new(Secrets::of([("KEY".to_owned(), "s3cret-Value-17".to_owned())]))
    }

    fn said(events: &[Event]) -> Vec<String> {
        let text = |e: &Event| match e {
            Event::Text { text } => text.clone(),
            other => format!("{other:?}"),
        };
        events.iter().map(text).collect()
    }

    #[test]
    fn a_secret_in_two_events_is_hidden_wherever_it_is_cut() {
        let token = format!("{}{}", "ghp", "_Ab3dEf6hIj9lMn2pQr5tUv8xYz1BcD4FgH7j");
        for secret in ["s3cret-Value-17", token.as_str()] {
            let text = format!("it is {secret}, she said");
            for at in 0..=text.len() {
                let mut veil = veil();
                let mut all = veil.take(Event::Text { text: text[..at].into() });
                all.extend(veil.take(Event::Text { text: text[at..].into() }));
                all.extend(veil.flush());
                let words = said(&all);
                assert_eq!(words.len(), 2, "no event is lost or made: {words:?}");
                let shown = words.concat();
                assert!(
                    shown.starts_with("it is [") && shown.ends_with(" hidden], she said"),
                    "{at}: {shown}"
                );
            }
        }
    }

    #[test]
    fn what_waits_comes_before_what_follows_it() {
        let mut veil = veil();
        assert!(veil.take(Event::Text { text: "a s3cr".into() }).is_empty());
        let all = veil.take(Event::Cost { usd: 1.0 });
        assert_eq!(all, [Event::Text { text: "a s3cr".into() }, Event::Cost { usd: 1.0 }]);
    }

    #[test]
    fn lines_of_a_key_one_by_one() {
        let mut veil = veil();
        let mut all = Vec::new();
        let line = "Ab3dEf6hIj9lMn2pQr5tUv8xYz1BcD4FgH7jKm0o".repeat(2);
        let (begin, end) = ("-----BEGIN PRIVATE", "-----END PRIVATE KEY-----");
        for text in ["the key:", &format!("{begin} KEY-----"), &line, &line, "x9==", end, "thanks"]
        {
            all.extend(veil.take(Event::Text { text: text.into() }));
            all.extend(veil.take(Event::Usage {
                input: None,
                cached_input: None,
                output: Some(1),
                reasoning: None,
            }));
        }
        all.extend(veil.flush());
        let shown = said(&all).join("\n");
        assert!(!shown.contains("Ab3dEf6h"), "{shown}");
        assert!(shown.contains("the key:") && shown.contains("thanks"), "{shown}");
    }

    #[test]
    fn the_answer_and_tools_lose_their_secrets_and_stay_json() {
        let value = serde_json::json!({"a": ["s3cret-Value-17"], "n": 1});
        let mut veil = veil();
        let all = veil.take(Event::Done { reason: "end".into(), structured: Some(value.clone()) });
        let hidden = serde_json::json!({"a": ["[KEY hidden]"], "n": 1});
        assert_eq!(all, [Event::Done { reason: "end".into(), structured: Some(hidden.clone()) }]);
        let all = veil.take(Event::ToolCall { name: "sh".into(), input: value });
        assert_eq!(all, [Event::ToolCall { name: "sh".into(), input: hidden }]);
    }
}
