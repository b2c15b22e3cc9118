//! The versions of a session's spec: who made each, when, why, and what was said to it.

use serde::Serialize;

use crate::base::{Error, Result, Sha256};
use crate::session::journal::{Position, Reader};
use crate::session::{Event, Record, Session};

/// One version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    pub version: u32,
    pub sha256: Sha256,
    pub at: String,
    /// `compiled`, `edited` or `amended`.
    pub how: &'static str,
    pub by: String,
    /// Of an amendment: its reason, and what made it necessary.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// An earlier version that asks for the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<u32>,
    pub said: Vec<Said>,
}

/// What somebody said to a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    pub at: String,
    pub by: String,
    /// `approved`, or `changes wanted`.
    pub what: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// All versions, oldest first, from the journal.
pub fn history(session: &Session) -> Result<Vec<Version>> {
    let mut all: Vec<Version> = Vec::new();
    for record in Reader::open(&session.layout.journal(), Position::START)? {
        take(&mut all, &record?)?;
    }
    Ok(all)
}

fn take(all: &mut Vec<Version>, record: &Record) -> Result<()> {
    let at = record.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut new = |version, sha256, how, by: &str, why: String| {
        let (at, by, said) = (at.clone(), by.to_owned(), Vec::new());
        let same_as = all.iter().find(|v| v.sha256 == sha256).map(|v| v.version);
        all.push(Version { version, sha256, at, how, by, why, same_as, said });
    };
    match &record.event {
        Event::SpecCompiled(e) => new(e.version, e.sha256, "compiled", &e.source, String::new()),
        Event::SpecEdited(e) => {
            let by = if e.by.is_empty() { "a person" } else { &e.by };
            new(e.version, e.sha256, "edited", by, String::new());
        }
        Event::SpecAmended(e) => {
            let by = if e.by.is_empty() { "a person" } else { &e.by };
            let of = if e.trigger.is_empty() { String::new() } else { format!(" ({})", e.trigger) };
            new(e.version, e.after, "amended", by, format!("{}{of}", e.reason));
        }
        Event::SpecApproved(e) => {
            say(all, at, &e.by, "approved", "")?;
        }
        Event::SpecRejected(e) => {
            say(all, at, &e.by, "changes wanted", &e.note)?;
        }
        _ => {}
    }
    Ok(())
}

fn say(all: &mut [Version], at: String, by: &str, what: &'static str, note: &str) -> Result<()> {
    let last = all.last_mut();
    let last =
        last.ok_or_else(|| Error::input("the journal answers to a spec before there is one"))?;
    last.said.push(Said { at, by: by.to_owned(), what, note: note.to_owned() });
    Ok(())
}
