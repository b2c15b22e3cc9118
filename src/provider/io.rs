//! One request in, event lines out, and `done` as the last of them.

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::agent::protocol::{self, ErrorClass, Event, Request};
use crate::base::clock::Clock;
use crate::base::{Error, Exit, Result};
use crate::session::config::Role;

/// A request is a line of a few kilobytes.
const MAX_REQUEST: u64 = 16 << 20;
/// A text event stays well below what a reader takes as one line.
const MAX_TEXT: usize = 64 << 10;

/// Writes events. [`Events::done`] consumes it, so nothing can follow.
pub(super) struct Events<W> {
    out: W,
}

impl<W: Write> Events<W> {
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// Writes one line and flushes: somebody watches. Fails when the reader is gone.
    pub fn emit(&mut self, event: &Event) -> Result<()> {
        let mut line = serde_json::to_vec(event)
            .map_err(|e| Error::bug("an event cannot be written").because(e))?;
        line.push(b'\n');
        self.out
            .write_all(&line)
            .and_then(|()| self.out.flush())
            .map_err(|e| Error::machine("cannot report to whoever asked").because(e))
    }

    /// Text, cut where it is over 64 KiB.
    pub fn text(&mut self, text: &str) -> Result<()> {
        let mut end = text.len().min(MAX_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut shown = text[..end].to_owned();
        if end < text.len() {
            shown.push('…');
        }
        self.emit(&Event::Text { text: shown })
    }

    pub fn error(&mut self, class: ErrorClass, message: impl Into<String>) -> Result<()> {
        self.emit(&Event::Error { class, message: message.into() })
    }

    pub fn done(
        mut self,
        reason: impl Into<String>,
        structured: Option<serde_json::Value>,
    ) -> Result<()> {
        self.emit(&Event::Done { reason: reason.into(), structured })
    }

    /// An error and `done`: the turn did not take place.
    pub fn fail(mut self, failure: Failure) -> Result<Exit> {
        self.error(failure.class, failure.message)?;
        self.done(failure.reason, None)?;
        Ok(exit_of(failure.class))
    }
}

/// Why a turn did not take place, as the protocol says it.
#[derive(Debug)]
pub(super) struct Failure {
    /// Of `done`.
    pub reason: &'static str,
    pub class: ErrorClass,
    pub message: String,
}

impl Failure {
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self { reason: "error", class: ErrorClass::BadRequest, message: message.into() }
    }

    pub fn missing_tool(message: impl Into<String>) -> Self {
        Self { reason: "error", class: ErrorClass::MissingTool, message: message.into() }
    }

    pub fn stopped(message: impl Into<String>) -> Self {
        Self { reason: "stopped", class: ErrorClass::Interrupted, message: message.into() }
    }

    pub fn timed_out(message: impl Into<String>) -> Self {
        Self { reason: "timed out", class: ErrorClass::Interrupted, message: message.into() }
    }
}

/// The class of a message, by the first part of a table that is in it, in lower case.
pub(super) fn class_of(table: &[(&str, ErrorClass)], words: &str) -> Option<ErrorClass> {
    let words = words.to_lowercase();
    table.iter().find(|(part, _)| words.contains(part)).map(|(_, class)| *class)
}

/// The exit code of a provider that reported an error of this class. Otto reads the events; this
/// is for people who call a provider by hand.
pub(super) fn exit_of(class: ErrorClass) -> Exit {
    match class {
        ErrorClass::BadRequest => Exit::INPUT,
        ErrorClass::MissingTool => Exit::MISSING,
        ErrorClass::Quota
        | ErrorClass::RateLimit
        | ErrorClass::Overloaded
        | ErrorClass::Network => Exit::LATER,
        ErrorClass::Auth => Exit::PERSON,
        ErrorClass::ContextLength
        | ErrorClass::Refused
        | ErrorClass::Interrupted
        | ErrorClass::Unknown => Exit::NO,
    }
}

/// Reads the request line. What follows it is ignored.
pub(super) fn read_request(input: impl BufRead) -> Result<Request, Failure> {
    let mut line = Vec::new();
    input
        .take(MAX_REQUEST)
        .read_until(b'\n', &mut line)
        .map_err(|e| Failure::bad_request(format!("the request cannot be read: {e}")))?;
    if line.iter().all(u8::is_ascii_whitespace) {
        return Err(Failure::bad_request(
            "there is no request: a provider reads one line of JSON on standard input",
        ));
    }
    let request: Request = serde_json::from_slice(&line)
        .map_err(|e| Failure::bad_request(format!("the request cannot be understood: {e}")))?;
    if request.v != protocol::VERSION {
        return Err(Failure::bad_request(format!(
            "the request has version {}, and this provider knows {}",
            request.v,
            protocol::VERSION
        )));
    }
    Ok(request)
}

/// What the caller grants until its deadline, minus a tenth (at most two seconds): the provider
/// ends its agent itself and can still say so.
pub(super) fn time_left(request: &Request) -> Result<Duration, Failure> {
    let deadline: Timestamp = request.deadline.parse().map_err(|_| {
        Failure::bad_request(format!("the deadline '{}' is not RFC 3339", request.deadline))
    })?;
    let left = Duration::try_from(deadline - Clock::from_env().now()).unwrap_or(Duration::ZERO);
    Ok(left.saturating_sub((left / 10).min(Duration::from_secs(2))))
}

/// Whether a role answers with data besides, or instead of, changing files.
pub(super) fn needs_answer(request: &Request) -> Result<bool, Failure> {
    let role: Role = serde_json::from_value(request.role.clone().into())
        .map_err(|_| Failure::bad_request(format!("there is no role '{}'", request.role)))?;
    Ok(match role {
        Role::Spec | Role::Certifier | Role::Pilot | Role::Task => true,
        Role::Build | Role::Fix | Role::Merge => false,
    })
}

/// `path` as it is if absolute, else relative to the worktree.
pub(super) fn in_worktree(request: &Request, path: &Path) -> std::path::PathBuf {
    request.workdir.join(path)
}

/// A string of `settings`; a value of another kind is a mistake and not an absence.
pub(super) fn setting_str<'a>(request: &'a Request, key: &str) -> Result<Option<&'a str>, Failure> {
    text_setting(&request.settings, key)
}

/// [`setting_str`], of settings alone.
pub(super) fn text_setting<'a>(
    settings: &'a serde_json::Value,
    key: &str,
) -> Result<Option<&'a str>, Failure> {
    match settings.get(key) {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(serde_json::Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Failure::bad_request(format!("`{key}` must be text and is {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters() {
        let mut out = Vec::new();
        Events::new(&mut out).text(&"é".repeat(MAX_TEXT)).expect("written");
        match protocol::parse_line(&out) {
            Event::Text { text } => {
                assert!(text.ends_with("é…") && text.len() <= MAX_TEXT + '…'.len_utf8());
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_that_is_none_says_why() {
        for (line, why) in [
            ("", "no request"),
            (" \n", "no request"),
            ("{\"v\":1}\n", "missing field"),
            ("hello\n", "cannot be understood"),
        ] {
            let failure = read_request(line.as_bytes()).expect_err(line);
            assert!(failure.message.contains(why), "{line}: {}", failure.message);
            assert_eq!(failure.class, ErrorClass::BadRequest);
        }
    }
}
