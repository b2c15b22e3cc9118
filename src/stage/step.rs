//! Another step of this session as a process of its own: how it is called, and how it ended.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use crate::agent::budget::{DEADLINE_VAR, Deadline};
use crate::base::{Error, Exit, Result};
use crate::check::cache::{NO_CACHE_VAR, Reuse};
use crate::disk;
use crate::process::{Command, Ended, own_command};
use crate::session::Session;

/// `otto-<verb> --session …`. A step is Otto itself: it may know what we know, and it clears the
/// environment of what it starts.
pub fn step_command(
    session: &Session,
    root: &Path,
    (deadline, reuse): (Deadline, Reuse),
    verb: &str,
    args: impl IntoIterator<Item = OsString>,
) -> Command {
    let mut argv = own_command(&format!("otto-{verb}"));
    argv.extend(["--session", session.id.as_str()].map(OsString::from));
    argv.extend(args);
    let mut env: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    env.remove(&OsString::from("OTTO_SESSION"));
    if reuse == Reuse::Nothing {
        env.insert(NO_CACHE_VAR.into(), "1".into());
    }
    env.insert(DEADLINE_VAR.into(), deadline.to_text().into());
    Command::new(argv, root, env)
}

/// What a step's end means. One that broke says why in its log; that line becomes the error.
pub fn exit_of(verb: &str, ended: &Ended, log: &Path) -> Result<Exit> {
    match ended {
        Ended::Exited(code) => {
            let exit = Exit(u8::try_from(*code).unwrap_or(Exit::BUG.0));
            if exit == Exit::YES || exit == Exit::NO {
                return Ok(exit);
            }
            Err(error_of(verb, exit, log))
        }
        Ended::Stopped => Err(Error::interrupted(crate::process::stop::requested().unwrap_or(15))),
        Ended::NotFound | Ended::NotExecutable => {
            Err(Error::missing(format!("there is no program 'otto-{verb}'"))
                .hint("make build leaves every program beside otto"))
        }
        Ended::Signaled(signal) => {
            Err(Error::later(format!("otto-{verb} was killed by signal {signal}"), None)
                .hint("nothing is lost: otto run --resume goes on"))
        }
        Ended::TimedOut | Ended::TooMuchOutput | Ended::OverLimit(_) => {
            Err(Error::bug(format!("otto-{verb} ended with {ended:?}")))
        }
    }
}

fn error_of(verb: &str, exit: Exit, log: &Path) -> Error {
    let text = disk::tail_bytes(log, 8000).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let prefix = format!("otto-{verb}: ");
    let said = text.lines().rev().find_map(|l| l.strip_prefix(&prefix));
    let what = match said {
        Some(said) => said.to_owned(),
        None => format!("otto-{verb} ended with {} (log: {})", exit.0, log.display()),
    };
    let retry_at = text
        .lines()
        .rev()
        .find_map(|l| l.strip_prefix("retry at: "))
        .and_then(|at| at.trim().parse().ok());
    let mut error = match exit {
        Exit::USAGE => Error::bug(what),
        Exit::INPUT => Error::input(what),
        Exit::MISSING => Error::missing(what),
        Exit::LATER => Error::later(what, retry_at),
        Exit::PERSON => Error::person(what),
        Exit::MACHINE => Error::machine(what),
        Exit(code @ (129 | 130 | 131 | 143)) => Error::interrupted(i32::from(code) - 128),
        Exit(_) => Error::bug(what),
    };
    error.hint = hint_in(&text);
    error
}

/// The last hint of a log, with the further ways that are indented below it.
fn hint_in(log: &str) -> Option<String> {
    let lines: Vec<&str> = log.lines().collect();
    let at = lines.iter().rposition(|l| l.starts_with("hint: "))?;
    let more = lines[at + 1..].iter().take_while(|l| l.starts_with("  "));
    let all: Vec<&str> =
        std::iter::once(&lines[at]["hint: ".len()..]).chain(more.copied()).collect();
    Some(all.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::hint_in;

    #[test]
    fn a_hint_of_a_step_is_told_whole() {
        let log = "g1: x\nhint: old\notto-merge: moved\nhint: adopt it\n      or put it back: git\nretry at: now\n";
        assert_eq!(hint_in(log).as_deref(), Some("adopt it\n      or put it back: git"));
        assert_eq!(hint_in("nothing"), None);
    }
}
