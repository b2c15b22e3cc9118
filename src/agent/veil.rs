//! Events without their secrets. A provider may cut its agent's words anywhere, in the middle of a
//! key too: what may be the beginning of one waits for what follows.

use serde_json::Value;

use super::protocol::Event;
use crate::base::Secrets;
use crate::base::redact::{Scan, replace};

/// Words that wait are let go when they are longer than this,
const MAX_WAITING: usize = 64 << 10;
/// or when so many events wait.
const MAX_EVENTS: usize = 4096;

/// What a stream of words is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
}

/// What waits for what follows.
#[derive(Debug)]
enum Waiting {
    Words(String),
    /// An event between words that says none: what is cut there is not over.
    Silent(Event),
}

impl Waiting {
    fn words(&self) -> &str {
        match self {
            Waiting::Words(text) => text,
            Waiting::Silent(_) => "",
        }
    }
}

/// Takes events and gives them back without secrets, in their order.
#[derive(Debug)]
pub(super) struct Veil {
    secrets: Secrets,
    kind: Kind,
    /// Begins with words, where there is anything.
    waiting: Vec<Waiting>,
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
            silent @ (Event::Usage { .. } | Event::Cost { .. } | Event::RateLimited { .. })
                if !self.waiting.is_empty() =>
            {
                let silent = self.whole(silent);
                self.waiting.push(Waiting::Silent(silent));
                self.give(self.waiting.len() > MAX_EVENTS)
            }
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
        self.waiting.push(Waiting::Words(text));
        let size: usize = self.waiting.iter().map(|w| w.words().len()).sum();
        let many = self.waiting.len() > 1 && size > MAX_WAITING;
        out.extend(self.give(many || self.waiting.len() > MAX_EVENTS));
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
        let all: String = self.waiting.iter().map(Waiting::words).collect();
        let mut scan = self.scan().clone();
        let found = scan.look(all.as_bytes(), now);
        if found.decided < all.len() {
            return Vec::new();
        }
        *self.scan() = scan;
        let mut from = 0;
        let waiting = std::mem::take(&mut self.waiting);
        let events = waiting.into_iter().map(|one| {
            let text = match one {
                Waiting::Words(text) => text,
                Waiting::Silent(event) => return event,
            };
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
            Event::FileChange { path, kind } => {
                Event::FileChange { path: hide(path), kind: hide(kind) }
            }
            Event::Denied { tool } => Event::Denied { tool: hide(tool) },
            Event::Error { class, message } => Event::Error { class, message: hide(message) },
            Event::Raw { data } => Event::Raw { data: hide_json(data) },
            Event::Done { reason, structured } => {
                Event::Done { reason: hide(reason), structured: structured.map(hide_json) }
            }
            Event::Started { provider_session, version, model } => Event::Started {
                // Half of a name finds no conversation: one that cannot be kept is not gone on with.
                provider_session: provider_session.filter(|id| self.secrets.hide(id) == *id),
                version: version.map(hide),
                model: model.map(hide),
            },
            Event::RateLimited { until } => Event::RateLimited { until: until.map(hide) },
            same @ (Event::Text { .. }
            | Event::Thinking { .. }
            | Event::Usage { .. }
            | Event::Cost { .. }) => same,
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
        let text = || Event::Text { text: "a s3cr".into() };
        let thought = || Event::Thinking { text: "hm".into() };
        for next in [thought(), Event::Denied { tool: "sh".into() }] {
            assert!(veil.take(text()).is_empty());
            assert_eq!(veil.take(next.clone()), [text(), next]);
        }
    }

    fn silent() -> Vec<Event> {
        vec![
            Event::Usage { input: None, cached_input: None, output: Some(1), reasoning: None },
            Event::Cost { usd: 1.0 },
            Event::RateLimited { until: Some("2026-11-28T10:00:00Z".into()) },
        ]
    }

    #[test]
    fn an_event_without_words_is_no_other_text() {
        let token = format!("{}{}", "ghp", "_Ab3dEf6hIj9lMn2pQr5tUv8xYz1BcD4FgH7j");
        for at in 1..token.len() {
            for kind in [Kind::Text, Kind::Thinking] {
                let words = |text: &str| match kind {
                    Kind::Text => Event::Text { text: text.into() },
                    Kind::Thinking => Event::Thinking { text: text.into() },
                };
                let mut veil = veil();
                let mut all = veil.take(words(&format!("split {}", &token[..at])));
                silent().into_iter().for_each(|event| all.extend(veil.take(event)));
                all.extend(veil.take(words(&format!("{} end", &token[at..]))));
                all.extend(veil.flush());
                // All of them, in their order.
                assert_eq!(all[1..4], silent(), "cut at {at}");
                let shown = [&all[0], &all[4]].map(|e| match e {
                    Event::Text { text } | Event::Thinking { text } => text.as_str(),
                    other => panic!("{other:?}"),
                });
                assert_eq!(shown.concat(), "split [github token hidden] end", "cut at {at}");
            }
        }
        let mut veil = veil();
        assert_eq!(veil.take(Event::Text { text: "over.".into() }).len(), 1);
        let now: Vec<Event> = silent().into_iter().flat_map(|e| veil.take(e)).collect();
        assert_eq!(now, silent(), "nothing waits, and so they do not");
    }

    #[test]
    fn what_waits_is_bounded_and_comes_at_the_end() {
        let mut veil = veil();
        let mut all = veil.take(Event::Text { text: "a s3cr".into() });
        (0..MAX_EVENTS).for_each(|_| all.extend(veil.take(Event::Cost { usd: 0.0 })));
        assert_eq!(all.len(), MAX_EVENTS + 1);
        assert!(veil.take(Event::Text { text: "a s3cr".into() }).is_empty());
        assert!(veil.take(Event::Cost { usd: 2.0 }).is_empty());
        let rest = veil.flush();
        assert_eq!(rest, [Event::Text { text: "a s3cr".into() }, Event::Cost { usd: 2.0 }]);
    }

    #[test]
    fn every_text_of_every_event_is_looked_at() {
        let secret = "s3cret-Value-17";
        let s = || secret.to_owned();
        let mut veil = veil();
        for event in [
            Event::Started { provider_session: Some(s()), version: Some(s()), model: Some(s()) },
            Event::ToolCall { name: s(), input: serde_json::json!({ secret: secret }) },
            Event::ToolResult { name: s(), output: s(), is_error: false },
            Event::FileChange { path: s(), kind: s() },
            Event::RateLimited { until: Some(s()) },
            Event::Denied { tool: s() },
            Event::Error { class: super::super::protocol::ErrorClass::Auth, message: s() },
            Event::Raw { data: serde_json::json!([secret]) },
            Event::Done { reason: s(), structured: Some(secret.into()) },
        ] {
            let shown = said(&veil.take(event));
            assert!(!shown.concat().contains(secret), "{shown:?}");
        }
        // A conversation is gone on with by its whole name, or not at all.
        let named = |id: &str| Event::Started {
            provider_session: Some(id.to_owned()),
            version: None,
            model: Some("m 1".into()),
        };
        let id = "3f2b8c1e-9a4d-4e6f-8b7a-1c2d3e4f5a6b";
        assert_eq!(veil.take(named(id)), [named(id)]);
        let shown = veil.take(named(&format!("conversation-{secret}")));
        assert!(matches!(&shown[..], [Event::Started { provider_session: None, .. }]), "{shown:?}");
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
