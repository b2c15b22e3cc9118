//! What an agent did: `messages.jsonl` (every event) and `narrative.log` (for people).

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::protocol::Event;
use super::veil::Veil;
use crate::base::{Error, Result, Secrets};
use crate::disk;

/// Both files of one turn, appended to as it goes.
#[derive(Debug)]
pub(super) struct Transcript {
    messages: File,
    narrative: File,
    veil: Veil,
    started: std::time::Instant,
}

impl Transcript {
    pub fn create(dir: &Path, secrets: &Secrets) -> Result<Self> {
        let open = |name: &str| {
            let path = dir.join(name);
            disk::create_log(&path)
        };
        Ok(Self {
            messages: open("messages.jsonl")?,
            narrative: open("narrative.log")?,
            veil: Veil::new(secrets.clone()),
            started: std::time::Instant::now(),
        })
    }

    /// Writes an event without its secrets, and returns what was written. A text that may end in
    /// the beginning of a secret waits for the event after it.
    pub fn write(&mut self, event: Event) -> Result<Vec<Event>> {
        let events = self.veil.take(event);
        self.put(&events)?;
        Ok(events)
    }

    /// Writes what waits.
    pub fn flush(&mut self) -> Result<Vec<Event>> {
        let events = self.veil.flush();
        self.put(&events)?;
        Ok(events)
    }

    fn put(&mut self, events: &[Event]) -> Result<()> {
        let t = self.started.elapsed().as_secs_f64();
        let fail = |e| Error::machine("cannot write the agent's transcript").because(e);
        for event in events {
            let body = serde_json::to_value(event)
                .map_err(|e| Error::bug("an agent event cannot be written").because(e))?;
            let line = json!({"t": (t * 1000.0).round() / 1000.0, "m": body});
            writeln!(self.messages, "{line}").map_err(fail)?;
            if let Some(text) = narrate(event) {
                writeln!(self.narrative, "{:>7.1}s {text}", t).map_err(fail)?;
            }
        }
        Ok(())
    }
}

/// One glyph a kind, long output folded; `None` for what says nothing to a reader.
pub fn narrate(event: &Event) -> Option<String> {
    const MAX: usize = 400;
    let fold = |text: &str| {
        let clean = strip_controls(text.trim_end());
        let lines: Vec<&str> = clean.lines().collect();
        let mut shown: Vec<String> =
            lines.iter().take(12).map(|l| l.chars().take(MAX).collect()).collect();
        if lines.len() > 12 {
            shown.push(format!("… {} more lines", lines.len() - 12));
        }
        shown.join("\n           ")
    };
    Some(match event {
        Event::Started { version, model, .. } => {
            let told: Vec<&str> =
                [version, model].into_iter().flatten().map(String::as_str).collect();
            format!("▸ started {}", told.join(" "))
        }
        Event::Text { text } => format!("» {}", fold(text)),
        Event::Thinking { text } => format!("… {}", fold(text)),
        Event::ToolCall { name, input } => {
            let input = match input {
                Value::String(s) => s.clone(),
                other => other.to_string(),
            };
            format!("$ {name} {}", fold(&input))
        }
        Event::ToolResult { output, is_error, .. } => {
            format!("{} {}", if *is_error { "✗" } else { "⤷" }, fold(output))
        }
        Event::FileChange { path, kind } => format!("± {kind} {}", strip_controls(path)),
        Event::Usage { .. } => return None,
        Event::Cost { usd } => format!("¤ {usd:.4} USD"),
        Event::RateLimited { until } => {
            format!("⏸ rate limited until {}", until.as_deref().unwrap_or("an unknown time"))
        }
        Event::Denied { tool } => format!("⊘ denied {tool}"),
        Event::Error { class, message } => format!("! {}: {}", class.word(), fold(message)),
        Event::Raw { data } => match data {
            Value::String(s) if !s.trim().is_empty() => format!("? {}", fold(s)),
            _ => return None,
        },
        Event::Done { reason, .. } => format!("▪ done: {reason}"),
    })
}

/// Removes escape sequences and control characters, so that an agent cannot draw on the terminal
/// of whoever reads its log.
pub fn strip_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                if chars.peek() == Some(&'[') {
                    chars.next();
                    for c in chars.by_ref() {
                        if ('@'..='~').contains(&c) {
                            break;
                        }
                    }
                }
            }
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
