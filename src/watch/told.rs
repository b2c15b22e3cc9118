//! One agent's turn as a source of lines: its narrative for people, its messages for programs.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::line::{Form, Line, Widths, of_narrative};
use super::tail::{Tail, start_of};
use super::turns::Turn;
use crate::agent::narrative::{MOST_LINES, stamp_of};
use crate::base::{Error, Result};

/// A line of a narrative is folded long before this.
const LONGEST_TOLD: usize = 16 << 10;
/// A message holds at most one line of a provider, with what JSON makes of it.
const LONGEST_MESSAGE: usize = 64 << 20;
/// Columns of the stamp in a narrative.
const STAMP: usize = 9;

#[derive(Debug)]
pub(super) struct Told {
    pub turn: Turn,
    label: String,
    source: usize,
    form: Form,
    widths: Widths,
    tail: Tail,
    /// When the turn began.
    start: Option<Timestamp>,
    /// Of the newest stamp; further lines of an entry have none of their own.
    now: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Message<'a> {
    t: f64,
    #[serde(borrow)]
    m: &'a RawValue,
}

impl Told {
    pub fn new(turn: Turn, source: usize, form: Form, widths: Widths) -> Self {
        let tail = match form {
            Form::Text => Tail::new(&turn.dir.join("narrative.log"), LONGEST_TOLD),
            Form::Json => Tail::new(&turn.dir.join("messages.jsonl"), LONGEST_MESSAGE),
        };
        let label = turn.label();
        let mut told = Self { turn, label, source, form, widths, tail, start: None, now: None };
        told.start = told.began();
        told
    }

    /// Goes to where the last `lines` lines begin, or a little before: to the stamp of an entry.
    pub fn seek_from_end(&mut self, lines: usize) -> Result<()> {
        let (lines, longest) = match self.form {
            Form::Text => (lines.saturating_add(MOST_LINES), 2 << 10),
            Form::Json => (lines, LONGEST_MESSAGE),
        };
        let most = (lines as u64 + 1).saturating_mul(longest as u64);
        self.tail.seek_from_end(lines, most).map_err(|e| self.unreadable(e))
    }

    /// When its first line was told, for the order of sources.
    pub fn start(&self) -> Timestamp {
        self.start.unwrap_or(Timestamp::MIN)
    }

    /// Hands on every line that was added since, until `sink` has enough.
    pub fn lines(&mut self, sink: &mut dyn FnMut(Line) -> bool) -> Result<()> {
        if !self.tail.has_changed() {
            return Ok(());
        }
        // A turn that is tried again writes the same files anew.
        let began = self.began();
        if began != self.start {
            self.start = began;
            self.now = None;
            self.tail.restart();
        }
        let start = self.start();
        let (now, label, source) = (&mut self.now, &self.label, self.source);
        let (form, widths, turn) = (self.form, self.widths, &self.turn);
        let read = self.tail.lines(&mut |line| {
            let made = match form {
                Form::Text => of_told(line, start, now, label, widths),
                Form::Json => of_message(line, start, turn),
            };
            match made {
                Some((at, text)) => sink(Line { at, source, text }),
                None => true,
            }
        });
        read.map_err(|e| self.unreadable(e))
    }

    /// As the first message says; before there were such, when its file was made.
    fn began(&self) -> Option<Timestamp> {
        let path = self.turn.dir.join("messages.jsonl");
        let first = start_of(&path, 128);
        let said = || {
            let text = std::str::from_utf8(first.strip_prefix(b"{\"at\":\"")?).unwrap_or_default();
            text.split('"').next()?.parse().ok()
        };
        said().or_else(|| {
            let made = path.with_file_name("request.json").metadata().ok()?.modified().ok()?;
            Timestamp::try_from(made).ok()
        })
    }

    fn unreadable(&self, e: std::io::Error) -> Error {
        Error::file("read the transcript in", &self.turn.dir, e)
    }
}

fn of_told(
    line: &[u8],
    start: Timestamp,
    now: &mut Option<Timestamp>,
    label: &str,
    widths: Widths,
) -> Option<(Timestamp, String)> {
    let line = String::from_utf8_lossy(line);
    if let Some(t) = stamp_of(&line) {
        *now = Some(after(start, t));
    }
    // The middle of an entry whose beginning was not looked at.
    let at = (*now)?;
    let told = match line.char_indices().nth(STAMP) {
        Some((from, _)) => &line[from..],
        None => "",
    };
    Some((at, of_narrative(at, label, &crate::base::terminal::strip_controls(told), widths)))
}

fn of_message(line: &[u8], start: Timestamp, turn: &Turn) -> Option<(Timestamp, String)> {
    let message: Message<'_> = serde_json::from_slice(line).ok()?;
    let at = after(start, message.t);
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let group = turn.group.as_deref().map_or_else(|| "null".into(), quoted);
    let (role, name) = (quoted(&turn.role), quoted(&turn.name));
    let text = format!(
        "{{\"at\":\"{at}\",\"kind\":\"agent\",\"group\":{group},\"role\":{role},\"turn\":{name},\"t\":{},\"data\":{}}}",
        message.t,
        message.m.get()
    );
    Some((at, text))
}

fn after(start: Timestamp, seconds: f64) -> Timestamp {
    let millis = SignedDuration::from_millis((seconds * 1000.0) as i64);
    start.checked_add(millis).unwrap_or(start)
}
