//! The two files of a turn: `messages.jsonl` (every event, as it came) and `narrative.log` (the
//! same, to read), appended to as it goes.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::narrative::Narrator;
use super::protocol::Event;
use super::veil::Veil;
use crate::base::clock::Clock;
use crate::base::{Error, Result, Secrets};
use crate::disk;

/// Both files of one turn.
#[derive(Debug)]
pub(super) struct Transcript {
    messages: File,
    narrative: File,
    veil: Veil,
    narrator: Narrator,
    started: std::time::Instant,
    /// What the first message says besides.
    head: Option<Head>,
}

/// When and where the turn began, so that its messages can be laid beside those of others.
#[derive(Debug)]
struct Head {
    at: Timestamp,
    workdir: Option<String>,
}

/// One line of `messages.jsonl`.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workdir: Option<String>,
    /// Seconds since the turn began.
    t: f64,
    m: &'a Event,
}

impl Transcript {
    pub fn create(dir: &Path, secrets: &Secrets) -> Result<Self> {
        let open = |name: &str| {
            let path = dir.join(name);
            disk::create_log(&path)
        };
        let head = Head { at: Clock::from_env().now(), workdir: workdir_of(dir)? };
        Ok(Self {
            messages: open("messages.jsonl")?,
            narrative: open("narrative.log")?,
            veil: Veil::new(secrets.clone()),
            narrator: Narrator::new(secrets),
            started: std::time::Instant::now(),
            head: Some(head),
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
        let t = (self.started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        let fail = |e| Error::machine("cannot write the agent's transcript").because(e);
        for event in events {
            let (at, workdir) = match self.head.take() {
                Some(head) => (Some(head.at.to_string()), head.workdir),
                None => (None, None),
            };
            let line = serde_json::to_string(&Message { at, workdir, t, m: event })
                .map_err(|e| Error::bug("an agent event cannot be written").because(e))?;
            self.messages.write_all(format!("{line}\n").as_bytes()).map_err(fail)?;
            // Of the line as it is kept, so that the same narrative can be made from it again.
            if let Some(text) = self.narrator.entry(line.as_bytes()) {
                self.narrative.write_all(text.as_bytes()).map_err(fail)?;
            }
        }
        Ok(())
    }
}

/// The agent's folder, as the request beside the transcript names it.
fn workdir_of(dir: &Path) -> Result<Option<String>> {
    let request = disk::read_if_there(&dir.join("request.json"))?.unwrap_or_default();
    let request: Option<serde_json::Value> = serde_json::from_slice(&request).ok();
    Ok(request.and_then(|r| r["workdir"].as_str().map(str::to_owned)))
}
