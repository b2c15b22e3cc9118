//! `otto-provider-command`: any program is an agent. It gets the prompt on standard input and
//! works in its folder; what it prints is text, and it answers with a file or with the last JSON
//! object that it printed. Its exit code is a hint.

mod answer;
mod output;
mod program;
#[cfg(test)]
mod tests;

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

pub(super) use self::answer::last_object;
use self::output::Output;
pub(super) use self::program::{named as program_of, resolve};
use super::describe;
use super::io::{Events, Failure, exit_of, needs_answer, read_request, time_left};
use crate::agent::describe::{Abilities, Description, Needs};
use crate::agent::protocol::VERSION;
use crate::agent::{ErrorClass, Event, Request, of_agent};
use crate::base::text::one_line;
use crate::base::{Exit, Result, Secrets};
use crate::disk;
use crate::process::{Command, Ended};

/// A longer line is cut.
const MAX_LINE: usize = 4 << 20;
/// This much of the end of the agent's standard error is passed on to ours.
const MAX_STDERR: u64 = 256 << 10;

/// Reads one request and plays it. Fails only when nobody reads the events any more, or when this
/// machine cannot start programs at all; everything else is reported as events, and ends in `done`.
pub fn run(input: impl BufRead, output: impl Write) -> Result<Exit> {
    let mut events = Events::new(output);
    let request = match read_request(input) {
        Ok(request) => request,
        Err(failure) => return events.fail(failure),
    };
    match turn(&request, &mut events) {
        Ok(Ok(end)) => finish(end, events),
        Ok(Err(failure)) => events.fail(failure),
        Err(e) => {
            // A broken reader gets nothing more; otherwise it learns what is wrong here.
            events.error(ErrorClass::Unknown, e.to_string())?;
            events.done("error", None)?;
            Err(e)
        }
    }
}

/// Reads the settings and says what is there.
pub fn describe(input: impl BufRead, output: impl Write) -> Result<Exit> {
    describe::answer(input, output, |settings| {
        let program = program::named(settings);
        let own = program.as_ref().ok().and_then(Option::as_ref);
        let env = settings.get("env").and_then(Value::as_array);
        let env = env.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        Description {
            v: VERSION,
            can: Abilities { structured: true, ..Abilities::default() },
            needs: Needs { read: own.cloned().into_iter().collect(), env, ..Needs::default() },
            program: own.cloned(),
            missing: program.as_ref().err().map(|failure| failure.message.clone()),
            ..Description::default()
        }
    })
}

/// How the agent ended.
struct End {
    reason: String,
    structured: Option<Value>,
    error: Option<(ErrorClass, String)>,
    /// For people, where it is no error.
    note: Option<String>,
}

fn turn<W: Write>(
    request: &Request,
    events: &mut Events<W>,
) -> Result<std::result::Result<End, Failure>> {
    let (argv, answers, limit, prompt) = match prepare(request) {
        Ok(prepared) => prepared,
        Err(failure) => return Ok(Err(failure)),
    };
    let stderr = stderr_path(request);
    let mut output = Output::default();
    events.emit(&Event::Started {
        provider_session: None,
        version: None,
        model: request.model.clone(),
    })?;
    let finished = Command::new(argv.clone(), &request.workdir, of_agent(request))
        .stdin(prompt)
        .timeout(limit)
        .hide(&Secrets::from_env(&request.secrets))
        .run_lines(&stderr, MAX_LINE, &mut |line| output.line(&line, events))?;
    output.finish(events)?;
    let last_words = pass_on(&stderr);
    let program = argv[0].to_string_lossy();
    Ok(match finished.ended {
        Ended::NotFound => Err(Failure::missing_tool(format!(
            "the agent '{program}' was not found, or what its #! line names; install it, or correct providers.command.argv"
        ))),
        Ended::NotExecutable => Err(Failure::missing_tool(format!(
            "the agent '{program}' cannot be executed: it needs a #! line, and chmod +x {program}"
        ))),
        ended => Ok(judge(request, &ended, answers, output, &last_words)),
    })
}

type Prepared = (Vec<std::ffi::OsString>, bool, std::time::Duration, Vec<u8>);

fn prepare(request: &Request) -> std::result::Result<Prepared, Failure> {
    let answers = needs_answer(request)?;
    let argv = program::resolve(request)?;
    let limit = time_left(request)?;
    let unusable = |e: crate::base::Error| Failure::bad_request(e.to_string());
    let prompt = disk::read(&request.prompt_file).map_err(unusable)?;
    if !request.workdir.is_dir() {
        let shown = request.workdir.display();
        return Err(Failure::bad_request(format!(
            "the folder to work in, '{shown}', is not there"
        )));
    }
    disk::create_dir_all(&turn_dir(request)).map_err(unusable)?;
    Ok((argv, answers, limit, prompt))
}

/// The folder of this turn's files.
fn turn_dir(request: &Request) -> PathBuf {
    request.output_file.parent().unwrap_or(Path::new(".")).to_owned()
}

/// The agent's standard error stays with the turn's other files: it outlives a kill of this
/// program.
fn stderr_path(request: &Request) -> PathBuf {
    turn_dir(request).join("agent-stderr.log")
}

/// Copies the agent's standard error to ours and returns its last line.
fn pass_on(stderr: &Path) -> String {
    let bytes = disk::tail_bytes(stderr, MAX_STDERR).unwrap_or_default();
    // A closed standard error is no reason to fail: the file is still there.
    drop(std::io::stderr().write_all(&bytes));
    let text = String::from_utf8_lossy(&bytes);
    one_line(text.trim_end().lines().last().unwrap_or(""), 300)
}

fn judge(request: &Request, ended: &Ended, answers: bool, output: Output, last_words: &str) -> End {
    let (reason, told) = match ended {
        Ended::Exited(0) => ("end".to_owned(), None),
        Ended::Exited(code) => {
            let told = format!("the agent ended with exit {code}");
            (format!("exit {code}"), Some((ErrorClass::Unknown, told)))
        }
        Ended::Signaled(signal) => {
            let told = format!("the agent was killed by signal {signal}");
            (format!("signal {signal}"), Some((ErrorClass::Unknown, told)))
        }
        Ended::TimedOut => {
            let told = "the agent was still at work at its deadline".to_owned();
            ("timed out".to_owned(), Some((ErrorClass::Interrupted, told)))
        }
        Ended::Stopped
        | Ended::TooMuchOutput
        | Ended::OverLimit(_)
        | Ended::NotFound
        | Ended::NotExecutable => {
            let told = "the agent was stopped".to_owned();
            ("stopped".to_owned(), Some((ErrorClass::Interrupted, told)))
        }
    };
    let told = told.map(|(class, text)| match last_words {
        "" => (class, text),
        words => (class, format!("{text}: {words}")),
    });
    let stopped = matches!(ended, Ended::Stopped);
    let mut end = End { reason, structured: None, error: None, note: None };
    if answers {
        match answer::from_file(&request.output_file) {
            Ok(found) => {
                end.structured = found.or_else(|| answer::last_object(&output.into_text()));
            }
            // Whoever is stopped may be in the middle of writing it.
            Err(_) if stopped => {}
            Err(wrong) => {
                end.reason = "error".into();
                end.error = Some((ErrorClass::BadRequest, wrong));
                return end;
            }
        }
    }
    match told {
        // The tree, or the answer, decides what such a turn was worth.
        Some((_, text)) if !stopped && (!answers || end.structured.is_some()) => {
            end.note = Some(text);
        }
        told => end.error = told,
    }
    end
}

fn finish<W: Write>(end: End, mut events: Events<W>) -> Result<Exit> {
    if let Some(note) = end.note {
        events.emit(&Event::Raw { data: note.into() })?;
    }
    let mut exit = Exit::YES;
    if let Some((class, message)) = end.error {
        exit = exit_of(class);
        events.error(class, message)?;
    }
    events.done(end.reason, end.structured)?;
    Ok(exit)
}
