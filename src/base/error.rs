//! Errors classed by remedy: what the reader has to do decides the class, and the class decides
//! the exit code. A module that has callers which branch keeps an enum of its own beside its
//! code and converts it into [`Error`] at its edge.

use std::fmt;
use std::path::Path;

use jiff::Timestamp;

use super::Exit;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What has to happen before the same command can succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// The answer is "no": a check failed, a group is blocked, the verdict is not `passed`.
    No,
    /// The command line is wrong.
    Usage,
    /// A spec, journal, configuration value or stream is bad. Nothing was changed.
    Input,
    /// A program, provider or service is missing.
    Missing,
    /// A bug in Otto.
    Bug,
    /// It will succeed later without anybody.
    Later { retry_at: Option<Timestamp> },
    /// It waits for a person.
    Person,
    /// The configuration or this machine cannot work.
    Machine,
    /// Stopped by a signal, after leaving resumable state.
    Interrupted { signal: i32 },
}

/// One failure: what failed, why, and what to do next. Printed once, at the edge.
#[derive(Debug)]
pub struct Error {
    pub remedy: Remedy,
    pub what: String,
    pub hint: Option<String>,
    pub cause: Option<Box<dyn std::error::Error + Send + Sync + 'static>>,
}

impl Error {
    pub fn new(remedy: Remedy, what: impl Into<String>) -> Self {
        Self { remedy, what: what.into(), hint: None, cause: None }
    }
    pub fn no(what: impl Into<String>) -> Self {
        Self::new(Remedy::No, what)
    }
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Remedy::Usage, what)
    }
    pub fn input(what: impl Into<String>) -> Self {
        Self::new(Remedy::Input, what)
    }
    pub fn missing(what: impl Into<String>) -> Self {
        Self::new(Remedy::Missing, what)
    }
    pub fn bug(what: impl Into<String>) -> Self {
        Self::new(Remedy::Bug, what)
    }
    pub fn later(what: impl Into<String>, retry_at: Option<Timestamp>) -> Self {
        Self::new(Remedy::Later { retry_at }, what)
    }
    pub fn person(what: impl Into<String>) -> Self {
        Self::new(Remedy::Person, what)
    }
    pub fn machine(what: impl Into<String>) -> Self {
        Self::new(Remedy::Machine, what)
    }
    pub fn interrupted(signal: i32) -> Self {
        let name = match signal {
            1 => "SIGHUP",
            2 => "SIGINT",
            3 => "SIGQUIT",
            13 => "SIGPIPE",
            _ => "SIGTERM",
        };
        Self::new(Remedy::Interrupted { signal }, format!("stopped by {name}"))
    }

    /// A file operation that failed, with its path. A full disk, a read-only folder and the like
    /// are this machine's condition.
    pub fn file(verb: &str, path: &Path, cause: std::io::Error) -> Self {
        Self::machine(format!("cannot {verb} '{}'", path.display())).because(cause)
    }

    /// What the reader should do next, as a full clause.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub fn exit(&self) -> Exit {
        match &self.remedy {
            Remedy::No => Exit::NO,
            Remedy::Usage => Exit::USAGE,
            Remedy::Input => Exit::INPUT,
            Remedy::Missing => Exit::MISSING,
            Remedy::Bug => Exit::BUG,
            Remedy::Later { .. } => Exit::LATER,
            Remedy::Person => Exit::PERSON,
            Remedy::Machine => Exit::MACHINE,
            Remedy::Interrupted { signal } => Exit(128 + (*signal as u8)),
        }
    }

    /// When the command is worth trying again, where that is known.
    pub fn retry_at(&self) -> Option<Timestamp> {
        match &self.remedy {
            Remedy::Later { retry_at } => *retry_at,
            Remedy::No
            | Remedy::Usage
            | Remedy::Input
            | Remedy::Missing
            | Remedy::Bug
            | Remedy::Person
            | Remedy::Machine
            | Remedy::Interrupted { .. } => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        let mut cause = self.cause.as_deref().map(|c| c as &dyn std::error::Error);
        while let Some(c) = cause {
            write!(f, ": {c}")?;
            cause = c.source();
        }
        Ok(())
    }
}

// `source` stays empty: `Display` already tells the whole chain once.
impl std::error::Error for Error {}

/// Turns any library error into an [`Error`] that says what was being done.
pub trait Context<T> {
    fn or_machine(self, what: impl FnOnce() -> String) -> Result<T>;
    fn or_input(self, what: impl FnOnce() -> String) -> Result<T>;
    fn or_bug(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> Context<T> for Result<T, E> {
    fn or_machine(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| Error::machine(what()).because(e))
    }
    fn or_input(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| Error::input(what()).because(e))
    }
    fn or_bug(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| Error::bug(what()).because(e))
    }
}
