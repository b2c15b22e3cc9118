//! The journal: one event a line, chained by hash, appended under flock.
//!
//! `hash` is the SHA-256 of the line without that field; `prev` is the hash of the line before
//! (64 zeros for the first). Since `hash` is always last on the line, it can be checked on the
//! bytes as they are, without writing the record again.

mod bulk;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::event::Event;
use super::state::State;
use crate::base::clock::{Clock, stamp};
use crate::base::{Error, Result, Sha256};
use crate::disk::{AppendLog, Lines};

pub const VERSION: u32 = 1;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub seq: u64,
    pub at: Timestamp,
    pub group: Option<String>,
    pub attempt: Option<u32>,
    /// The program that wrote it.
    pub actor: String,
    pub event: Event,
    pub hash: Sha256,
}

/// A line as it is written, without its hash.
#[derive(Serialize)]
struct Out<'a> {
    v: u32,
    seq: u64,
    at: String,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    actor: &'a str,
    data: &'a RawValue,
    prev: Sha256,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct In<'a> {
    v: u32,
    seq: u64,
    #[serde(borrow)]
    at: &'a str,
    #[serde(borrow)]
    kind: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    group: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    attempt: Option<u32>,
    #[serde(borrow)]
    actor: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
    prev: Sha256,
    hash: Sha256,
}

/// Where a reader is in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub seq: u64,
    pub offset: u64,
    pub head: Sha256,
}

impl Position {
    pub const START: Position = Position { seq: 0, offset: 0, head: Sha256::ZERO };
}

/// Checks one line against the chain and reads it. `number` is for messages.
pub fn parse_line(line: &[u8], at: Position, path: &Path) -> Result<Record> {
    let number = at.seq + 1;
    let bad = |why: String| {
        Error::input(format!("'{}' line {number} is damaged: {why}", path.display())).hint(
            "nothing was changed; compare it with a backup, or with the chain head in refs/otto/head",
        )
    };
    let text = std::str::from_utf8(line).map_err(|e| bad(e.to_string()))?;
    let raw: In<'_> = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
    if raw.v > VERSION {
        return Err(Error::input(format!(
            "'{}' line {number} is of version {}, and this Otto knows {VERSION}",
            path.display(),
            raw.v
        ))
        .hint("use a newer Otto"));
    }
    if raw.seq != number {
        return Err(bad(format!("its seq is {} and should be {number}", raw.seq)));
    }
    if raw.prev != at.head {
        return Err(bad("its prev is not the hash of the line before".into()));
    }
    let last = (|| {
        let rest = text.strip_suffix("\"}")?.strip_suffix(raw.hash.hex().as_str())?;
        rest.strip_suffix(",\"hash\":\"")
    })();
    let body = last.ok_or_else(|| bad("hash is not its last field".into()))?;
    if Sha256::of_parts(&[body.as_bytes(), b"}"]) != raw.hash {
        return Err(bad("its content does not match its hash".into()));
    }
    let stamp: Timestamp = raw.at.parse().map_err(|_| bad(format!("'{}' is no time", raw.at)))?;
    // Its bytes are those that were written: whoever wrote them knows more, or wrote nonsense.
    let event = Event::parse(&raw.kind, raw.data.get()).map_err(|e| {
        let kind = &raw.kind;
        Error::input(format!(
            "'{}' line {number} is intact and cannot be read by this Otto: `{kind}`: {e}",
            path.display()
        ))
        .hint("a newer Otto wrote it; use that one, and look for older `otto-*` programs beside it")
    })?;
    Ok(Record {
        seq: raw.seq,
        at: stamp,
        group: raw.group.map(std::borrow::Cow::into_owned),
        attempt: raw.attempt,
        actor: raw.actor.into_owned(),
        event,
        hash: raw.hash,
    })
}

/// Streams the records of a journal, verifying the chain on the way.
#[derive(Debug)]
pub struct Reader {
    lines: Lines,
    path: PathBuf,
    pub position: Position,
    buf: Vec<u8>,
}

impl Reader {
    pub fn open(path: &Path, from: Position) -> Result<Self> {
        let lines = Lines::open_at(path, from.offset)?;
        Ok(Self { lines, path: path.to_owned(), position: from, buf: Vec::new() })
    }
}

impl Iterator for Reader {
    type Item = Result<Record>;
    fn next(&mut self) -> Option<Result<Record>> {
        match self.lines.read_into(&mut self.buf) {
            Ok(false) => None,
            Err(e) => Some(Err(e)),
            Ok(true) => {
                let record = match parse_line(&self.buf, self.position, &self.path) {
                    Ok(record) => record,
                    Err(e) => return Some(Err(e)),
                };
                self.position =
                    Position { seq: record.seq, offset: self.lines.offset(), head: record.hash };
                Some(Ok(record))
            }
        }
    }
}

/// What to append.
#[derive(Debug, Clone)]
pub struct Entry {
    pub group: Option<String>,
    pub attempt: Option<u32>,
    pub event: Event,
}

impl Entry {
    pub fn new(event: impl Into<Event>) -> Self {
        Self { group: None, attempt: None, event: event.into() }
    }
    pub fn group(gid: &str, event: impl Into<Event>) -> Self {
        Self { group: Some(gid.to_owned()), attempt: None, event: event.into() }
    }
    pub fn attempt(gid: &str, n: u32, event: impl Into<Event>) -> Self {
        Self { group: Some(gid.to_owned()), attempt: Some(n), event: event.into() }
    }
}

/// A record that the journal is known to hold, from outside of it: git's `refs/otto/head/<session>`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Anchor {
    pub session: String,
    pub seq: u64,
    pub hash: Sha256,
}

/// A journal that this process reads and appends to, with the state that follows from it.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    actor: String,
    position: Position,
    state: State,
    /// Settings that were changed when the run was resumed, in order; values are JSON.
    resumed: Vec<(String, String)>,
    log: Option<AppendLog>,
}

impl Journal {
    /// Reads the whole journal. One that is absent is empty.
    pub fn open(path: &Path, actor: &str) -> Result<Self> {
        Self::open_anchored(path, actor, None)
    }

    /// Reads the whole journal, which must hold what the anchor names. A chain alone cannot tell
    /// that its end was cut away, or that all of it was written again.
    pub fn open_anchored(path: &Path, actor: &str, anchor: Option<&Anchor>) -> Result<Self> {
        let mut journal = Self {
            path: path.to_owned(),
            actor: actor.to_owned(),
            position: Position::START,
            state: State::default(),
            resumed: Vec::new(),
            log: None,
        };
        journal.refresh_past(anchor)?;
        Ok(journal)
    }

    /// Reads what was appended since; true if there was anything.
    pub fn refresh(&mut self) -> Result<bool> {
        self.refresh_past(None)
    }

    fn refresh_past(&mut self, anchor: Option<&Anchor>) -> Result<bool> {
        let len = std::fs::metadata(&self.path).map(|m| m.len()).unwrap_or(0);
        if len == self.position.offset && anchor.is_none() {
            return Ok(false);
        }
        if len < self.position.offset {
            return Err(Error::input(format!("'{}' became shorter", self.path.display()))
                .hint("somebody cut the journal while it was in use; restore it from a backup"));
        }
        let before = self.position;
        if len - before.offset >= bulk::WORTH_IT {
            let path = self.path.clone();
            self.position = bulk::read(&path, before, &mut |record| self.take(record))?;
            return Ok(self.position != before);
        }
        let mut reader = Reader::open(&self.path, self.position)?;
        for record in reader.by_ref() {
            let record = record?;
            if let Some(anchor) = anchor.filter(|a| a.seq == record.seq && a.hash != record.hash) {
                let what = format!("event {} is not the one that git names", anchor.seq);
                return Err(lost(&self.path, &what));
            }
            self.take(&record);
        }
        if let Some(anchor) = anchor.filter(|a| a.seq > reader.position.seq) {
            let (end, seq) = (reader.position.seq, anchor.seq);
            let what = format!("it ends at event {end}, and git names event {seq}");
            return Err(lost(&self.path, &what));
        }
        self.position = reader.position;
        Ok(self.position != before)
    }

    fn take(&mut self, record: &Record) {
        if let Event::RunResumed(e) = &record.event {
            self.resumed.extend(e.changes.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        self.state.apply(record);
    }

    /// Keys and JSON values that resumes changed, in the order in which they did.
    pub fn resumed_with(&self) -> impl Iterator<Item = (&str, &str)> {
        self.resumed.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn position(&self) -> Position {
        self.position
    }

    /// Makes everything that is in it durable, other processes' events included.
    pub fn sync(&mut self) -> Result<()> {
        if self.log.is_none() {
            self.log = Some(AppendLog::open(&self.path)?);
        }
        self.log.as_ref().map_or(Ok(()), AppendLog::sync)
    }

    /// Appends what `decide` answers, looking at the state that is current under the lock. Decision
    /// events are durable when this returns.
    pub fn append_with(
        &mut self,
        clock: &Clock,
        decide: impl FnOnce(&State) -> Result<Vec<Entry>>,
    ) -> Result<Vec<Record>> {
        if self.log.is_none() {
            self.log = Some(AppendLog::open(&self.path)?);
        }
        let log = self.log.take().expect("because it was just opened");
        let result = self.append_locked(&log, clock, decide);
        self.log = Some(log);
        result
    }

    fn append_locked(
        &mut self,
        log: &AppendLog,
        clock: &Clock,
        decide: impl FnOnce(&State) -> Result<Vec<Entry>>,
    ) -> Result<Vec<Record>> {
        let mut appender = log.lock()?;
        self.refresh()?;
        if let Some(kind) = &self.state.unknown_kind {
            return Err(Error::input(format!(
                "the journal holds an event of the kind '{kind}', which this Otto does not know"
            ))
            .hint("use the newer Otto that wrote it; this one can only read"));
        }
        let entries = decide(&self.state)?;
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let mut bytes = Vec::new();
        let mut records = Vec::new();
        let mut at = self.position;
        // Time never runs backwards in a journal, even when the clock does.
        let now = clock.now().max(self.state.last_at.unwrap_or(Timestamp::UNIX_EPOCH));
        let mut durable = false;
        for entry in entries {
            durable |= entry.event.is_decision();
            let (line, record) = write_line(entry, at, now, &self.actor)?;
            at = Position {
                seq: record.seq,
                offset: at.offset + line.len() as u64,
                head: record.hash,
            };
            bytes.extend_from_slice(&line);
            records.push(record);
        }
        appender.append(&bytes)?;
        if durable {
            appender.sync()?;
        }
        self.position = at;
        for record in &records {
            self.take(record);
        }
        Ok(records)
    }
}

fn lost(path: &Path, what: &str) -> Error {
    Error::input(format!("'{}' was cut or rewritten: {what}", path.display()))
        .hint("nothing was changed; restore it from a backup")
}

fn write_line(
    entry: Entry,
    at: Position,
    now: Timestamp,
    actor: &str,
) -> Result<(Vec<u8>, Record)> {
    let data = RawValue::from_string(entry.event.data()?)
        .map_err(|e| Error::bug("an event cannot be written").because(e))?;
    let out = Out {
        v: VERSION,
        seq: at.seq + 1,
        at: stamp(now),
        kind: entry.event.kind(),
        group: entry.group.as_deref(),
        attempt: entry.attempt,
        actor,
        data: &data,
        prev: at.head,
    };
    let body = serde_json::to_vec(&out)
        .map_err(|e| Error::bug("an event cannot be written").because(e))?;
    let hash = Sha256::of(&body);
    let mut line = body;
    line.pop();
    line.extend_from_slice(format!(",\"hash\":\"{hash}\"}}\n").as_bytes());
    let record = Record {
        seq: at.seq + 1,
        at: now,
        group: entry.group,
        attempt: entry.attempt,
        actor: actor.to_owned(),
        event: entry.event,
        hash,
    };
    Ok((line, record))
}

#[cfg(test)]
mod tests;
