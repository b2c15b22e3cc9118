//! Which session a stage works on, and what its upstream says.
//!
//! Nothing here ever falls back to the latest session because a pipe was empty: a compile that
//! failed must not make the next stage work on last night's run.

use std::io::IsTerminal;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::args::StageArgs;
use super::lines::StdinLines;
use crate::base::{Error, Exit, Result, SessionId};
use crate::session::{Workspace, resolve};

/// The first line of a stage's output.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Handle {
    pub otto: HandleWord,
    pub v: u32,
    pub session: SessionId,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandleWord {
    Session,
}

impl Handle {
    pub fn new(session: &SessionId) -> Self {
        Self { otto: HandleWord::Session, v: 1, session: session.clone() }
    }
}

/// How the session was found, for the sentence that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Named,
    Piped,
    Environment,
    Latest,
}

/// The rest of standard input, when an upstream stage writes it.
#[derive(Debug)]
pub struct Upstream {
    lines: StdinLines,
}

/// One line from upstream.
#[derive(Debug)]
pub enum FromUpstream {
    /// To be passed on as it is.
    Line(String),
    End {
        exit: Exit,
        reason: String,
    },
    /// The stream ended without an `end`: upstream was killed.
    Cut,
}

/// Finds the session.
pub fn find(ws: &Workspace, args: &StageArgs) -> Result<(SessionId, Taken, Option<Upstream>)> {
    let named = match &args.session {
        Some(wanted) => Some(resolve(&ws.layout, wanted)?),
        None => None,
    };
    if let (Some(id), false) = (&named, args.stdin) {
        return Ok((id.clone(), Taken::Named, None));
    }
    let env = std::env::var("OTTO_SESSION").ok().filter(|s| !s.is_empty());
    let env = match env {
        Some(wanted) => Some(resolve(&ws.layout, &wanted)?),
        None => None,
    };
    if args.stdin || stdin_is_stream() {
        let (piped, upstream) = read_handle()?;
        let piped = resolve(&ws.layout, piped.as_str())?;
        for (other, what) in [(&named, "--session"), (&env, "OTTO_SESSION")] {
            if let Some(other) = other.as_ref().filter(|o| **o != piped) {
                return Err(Error::usage(format!(
                    "standard input names the session {piped} and {what} names {other}"
                )));
            }
        }
        return Ok((piped, Taken::Piped, Some(upstream)));
    }
    if let Some(id) = env {
        return Ok((id, Taken::Environment, None));
    }
    Ok((resolve(&ws.layout, "latest")?, Taken::Latest, None))
}

/// A pipe, a socket or a file; a terminal, /dev/null and a closed descriptor are not.
fn stdin_is_stream() -> bool {
    if std::io::stdin().is_terminal() {
        return false;
    }
    match std::fs::metadata("/dev/stdin") {
        Ok(meta) if meta.file_type().is_char_device() => {
            let null = std::fs::metadata("/dev/null").map(|m| m.rdev()).ok();
            null != Some(meta.rdev())
        }
        Ok(_) => true,
        Err(_) => false,
    }
}

fn read_handle() -> Result<(SessionId, Upstream)> {
    let mut lines = StdinLines::open()?;
    let Some(line) = lines.next_line()? else {
        return Err(Error::input("standard input ended without a session handle").hint(
            "the stage before failed, or there is none: name the session with --session latest",
        ));
    };
    let handle: Handle = serde_json::from_str(line.trim_end()).map_err(|e| {
        Error::input(format!(
            "the first line of standard input is no session handle: {}",
            crate::base::text::one_line(&line, 80)
        ))
        .because(e)
    })?;
    Ok((handle.session, Upstream { lines }))
}

impl Upstream {
    /// The next line. Waits for it, and fails once this process is asked to stop.
    pub fn next_line(&mut self) -> Result<FromUpstream> {
        loop {
            let Some(line) = self.lines.next_line()?.filter(|line| line.ends_with('\n')) else {
                return Ok(FromUpstream::Cut);
            };
            let line = line.trim_end();
            if line.is_empty() {
                continue;
            }
            let value: Value = serde_json::from_str(line).map_err(|e| {
                Error::input(format!(
                    "standard input has a line that is not JSON: {}",
                    crate::base::text::one_line(line, 80)
                ))
                .because(e)
            })?;
            if value["otto"] == "end" {
                let exit = value["exit"].as_u64().and_then(|e| u8::try_from(e).ok());
                return Ok(FromUpstream::End {
                    exit: Exit(exit.ok_or_else(|| Error::input("an end line without an exit"))?),
                    reason: value["reason"].as_str().unwrap_or("").to_owned(),
                });
            }
            return Ok(FromUpstream::Line(line.to_owned()));
        }
    }
}
