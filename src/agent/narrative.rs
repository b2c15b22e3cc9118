//! What an agent did, for people: `narrative.log` is this, line by line, of `messages.jsonl`.
//!
//! Values in, text out: the same messages always tell the same story, so that a narrative can be
//! made again and is derived. One glyph a kind; what is long is folded, and what is left out is
//! counted. Deliberately absent: tokens, which are in `usage.json` and would drown the story.

mod fold;
mod tool;

use serde::Deserialize;
use serde_json::Value;

use super::protocol::Event;
use crate::base::Secrets;
use crate::base::terminal::strip_controls;
use fold::{fold, keep};

macro_rules! kinds {
    ($($name:ident $glyph:literal $what:literal;)*) => {
        /// What an entry is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($name),* }

        impl Kind {
            pub fn glyph(self) -> char {
                match self { $(Kind::$name => $glyph),* }
            }
        }

        /// Every glyph and what it stands for.
        pub const LEGEND: &[(char, &str)] = &[$(($glyph, $what)),*];
    };
}

kinds! {
    Started '▸' "the agent started: its version and model";
    Text '»' "what it says";
    Thinking '…' "what it thinks";
    Command '$' "a command that it runs";
    Edit '✎' "a file that it writes or edits, with lines added and removed";
    Read '◂' "a file that it reads";
    Search '⌕' "what it searches or fetches";
    Tool '⚙' "any other tool, with what it is given";
    Result '⤷' "what a tool answered";
    Failed '✗' "what a tool answered, as an error";
    Changed '±' "a file that its program says was changed";
    Cost '¤' "money, as it was reported";
    Limited '⏸' "its provider asks to wait";
    Denied '⊘' "a tool that it may not use";
    Error '!' "an error of the turn, with its class";
    Unknown '?' "a line that is no event of the protocol";
    Done '▪' "the end of the turn, and why";
}

/// How much of a text is shown: lines from its beginning and from its end.
const TALK: (usize, usize) = (40, 8);
const THOUGHT: (usize, usize) = (12, 4);
const OUTPUT: (usize, usize) = (6, 6);
const COMMAND: (usize, usize) = (8, 2);

/// No entry has more lines, whatever the agent does.
pub const MOST_LINES: usize = TALK.0 + TALK.1 + 1;

/// Where the text of an entry begins: after the stamp, the glyph and a space. The further lines of
/// an entry are indented so far.
pub const INDENT: usize = 11;

/// One line of `messages.jsonl`.
#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    workdir: Option<String>,
    t: f64,
    m: Event,
}

/// Tells one turn, message by message.
#[derive(Debug, Default)]
pub struct Narrator {
    /// Paths below it are shown relative to it; the first message names it.
    workdir: Option<String>,
    /// A secret with an escape sequence inside is whole only here.
    secrets: Secrets,
}

impl Narrator {
    pub fn new(secrets: &Secrets) -> Self {
        Self { workdir: None, secrets: secrets.clone() }
    }

    /// The entry of one line of `messages.jsonl`, stamped, with its line end; `None` for one that
    /// says nothing to a reader, or is no message.
    pub fn entry(&mut self, line: &[u8]) -> Option<String> {
        let message: Message = serde_json::from_slice(line).ok()?;
        if message.workdir.is_some() {
            self.workdir = message.workdir;
        }
        let (kind, text) = told(&message.m, self.workdir.as_deref())?;
        let text = self.secrets.hide(&text).replace('\n', &format!("\n{:INDENT$}", ""));
        // Cut and not rounded: what is told never comes after what it led to.
        let tenths = (message.t * 10.0).floor() / 10.0;
        let line = format!("{tenths:>7.1}s {} {text}", kind.glyph());
        Some(format!("{}\n", line.trim_end()))
    }
}

/// The stamp of an entry's first line, in seconds; `None` for one of its further lines.
pub fn stamp_of(line: &str) -> Option<f64> {
    if line.starts_with(&" ".repeat(INDENT)) {
        return None;
    }
    let (stamp, _) = line.trim_start().split_once('s')?;
    stamp.parse().ok()
}

/// An event as a reader sees it, without its stamp.
pub fn narrate(event: &Event) -> Option<String> {
    told(event, None).map(|(kind, text)| format!("{} {text}", kind.glyph()))
}

fn told(event: &Event, workdir: Option<&str>) -> Option<(Kind, String)> {
    let plain = |text: &str| keep(&strip_controls(text));
    Some(match event {
        Event::Started { version, model, .. } => {
            let known: Vec<&str> =
                [version, model].into_iter().flatten().map(String::as_str).collect();
            (Kind::Started, plain(&format!("started {}", known.join(" "))))
        }
        Event::Text { text } => (Kind::Text, fold(text, TALK)?),
        Event::Thinking { text } => (Kind::Thinking, fold(text, THOUGHT)?),
        Event::ToolCall { name, input } => {
            let (kind, text) = tool::told(name, input);
            let text = match workdir {
                Some(dir) => relative(&text, dir),
                None => text,
            };
            (kind, fold(&text, COMMAND).unwrap_or_default())
        }
        Event::ToolResult { output, is_error, .. } => {
            let kind = if *is_error { Kind::Failed } else { Kind::Result };
            (kind, fold(output, OUTPUT).unwrap_or_else(|| "nothing".into()))
        }
        Event::FileChange { path, kind } => {
            let path = workdir.map_or_else(|| path.clone(), |dir| relative(path, dir));
            (Kind::Changed, plain(&format!("{kind} {path}")).trim_start().to_owned())
        }
        Event::Usage { .. } => return None,
        Event::Cost { usd } => (Kind::Cost, format!("{usd:.4} USD")),
        Event::RateLimited { until } => {
            let until = until.as_deref().map_or_else(|| "an unknown time".into(), plain);
            (Kind::Limited, format!("limited until {until}"))
        }
        Event::Denied { tool } => (Kind::Denied, format!("denied {}", plain(tool))),
        Event::Error { class, message } => {
            let text = format!("{}: {message}", class.word());
            (Kind::Error, fold(&text, OUTPUT).unwrap_or_default())
        }
        Event::Raw { data: Value::String(text) } => (Kind::Unknown, fold(text, OUTPUT)?),
        // What an adapter kept because it has no word for it.
        Event::Raw { .. } => return None,
        Event::Done { reason, .. } => (Kind::Done, format!("done: {}", plain(reason))),
    })
}

/// Paths in the agent's own folder, without that folder.
fn relative(text: &str, workdir: &str) -> String {
    text.replace(&format!("{workdir}/"), "").replace(workdir, ".")
}

#[cfg(test)]
mod tests;
