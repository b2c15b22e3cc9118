//! One turn, from the request to `done`.

use std::collections::VecDeque;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::judge::{Case, End, judge};
use super::ledger::Ledger;
use super::place::Place;
use super::start::Ask;
use super::{Lines, Vendor, shorten, stop};
use crate::agent::{ErrorClass, Event, Request};
use crate::base::text::one_line;
use crate::base::{Exit, Result};
use crate::disk;
use crate::process::{Command, Ended, Finished, Interrupt};
use crate::provider::describe::version_of;
use crate::provider::io::{Events, Failure, exit_of, read_request, time_left};

/// A longer line is cut, and then it is no JSON any more. Agents echo whole files.
const MAX_LINE: usize = 32 << 20;
/// How long an agent may take to end its tools and to say what it has used: with the last signals
/// less than the 2.5 seconds that whoever stops us gives.
const LAST_WORDS: Duration = Duration::from_millis(2000);
/// Left over at the deadline for the signals that follow when it does not.
const RESERVE: Duration = Duration::from_millis(3000);
/// This much of the end of standard error is passed on to ours.
const MAX_STDERR: u64 = 64 << 10;

/// Reads one request and plays it. Fails only when nobody reads the events any more, or when this
/// machine cannot start programs at all; everything else is reported as events, and ends in `done`.
pub(in crate::provider) fn run<V: Vendor>(
    mut input: impl BufRead + Send + 'static,
    output: impl Write,
) -> Result<Exit> {
    let mut events = Events::new(output);
    let request = match read_request(&mut input) {
        Ok(request) => request,
        Err(failure) => return events.fail(failure),
    };
    match turn::<V>(&request, input, &mut events) {
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

fn turn<V: Vendor>(
    request: &Request,
    input: impl BufRead + Send + 'static,
    events: &mut Events<impl Write>,
) -> Result<std::result::Result<End, Failure>> {
    let place = Place::of(request);
    let ledger = Ledger::in_dir(&place.config);
    let (ask, limit) = match prepare::<V>(request, &place, &ledger) {
        Ok(prepared) => prepared,
        Err(failure) => return Ok(Err(failure)),
    };
    let start = match V::start(&ask) {
        Ok(start) => start,
        Err(failure) => return Ok(Err(failure)),
    };
    let mut env = place.env::<V>(request);
    env.extend(start.env);
    let mut argv = vec![ask.program.clone().into_os_string()];
    argv.extend(start.args);

    let handle = Interrupt::default();
    let asked = stop::listen(input, &handle);
    let stderr = request.output_file.with_file_name("agent-stderr.log");
    let mut stream = Stream { lines: V::lines(&ask), plain: VecDeque::new(), gave_up: false };
    let finished = Command::new(argv, &request.workdir, env)
        .stdin(start.stdin)
        .timeout(limit)
        .interrupt(&handle, LAST_WORDS)
        .run_lines(&stderr, MAX_LINE, &mut |line| stream.take(&line, events, &handle))?;
    Ok(settle::<V>(&ask, &finished, stream, &ledger, &stderr, asked.why()))
}

fn prepare<'a, V: Vendor>(
    request: &'a Request,
    place: &Place,
    ledger: &Ledger,
) -> std::result::Result<(Ask<'a>, Duration), Failure> {
    let left = time_left(request)?;
    let mut ask = Ask::new::<V>(request, place)?;
    let unusable = |e: crate::base::Error| Failure::bad_request(e.to_string());
    place.prepare::<V>().map_err(unusable)?;
    ask.before = request.resume.as_deref().and_then(|id| ledger.last(id));
    ask.version = version_of(&ask.program);
    Ok((ask, left.saturating_sub((left / 10).min(RESERVE))))
}

/// Ends the turn: what is known of it is kept, and judged.
fn settle<V: Vendor>(
    ask: &Ask<'_>,
    finished: &Finished,
    stream: Stream<V::Lines>,
    ledger: &Ledger,
    stderr: &Path,
    asked: Option<String>,
) -> std::result::Result<End, Failure> {
    let words = last_words(stderr, &stream.plain);
    let program = ask.program.display();
    match finished.ended {
        Ended::NotFound => {
            return Err(Failure::missing_tool(format!(
                "'{program}' was not found, or what its #! line names; install it again"
            )));
        }
        Ended::NotExecutable => {
            return Err(Failure::missing_tool(format!("'{program}' cannot be executed")));
        }
        Ended::Exited(_)
        | Ended::Signaled(_)
        | Ended::TimedOut
        | Ended::TooMuchOutput
        | Ended::OverLimit(_)
        | Ended::Stopped => {}
    }
    let gave_up = stream.gave_up && asked.is_none() && crate::process::stop::requested().is_none();
    let finding = stream.lines.finding();
    if let Some(totals) = &finding.totals {
        // Without it the next turn of this conversation has no figure: no reason to fail this one.
        drop(ledger.keep(totals));
    }
    let mut end = judge(Case {
        name: V::NAME,
        ended: finished.ended,
        finding,
        gave_up,
        wants_answer: ask.wants_answer,
        words: &one_line(&words, 500),
        means: V::classify(&words),
    });
    if let (Some((ErrorClass::Interrupted, message)), Some(why)) = (&mut end.error, asked) {
        message.push_str(&format!(": {}", one_line(&why, 200)));
    }
    if let Some(id) = ask.request.resume.as_deref().filter(|_| forgotten(&words, &end)) {
        end.error = Some((ErrorClass::BadRequest, format!("no such conversation: {id}")));
    }
    Ok(end)
}

/// What both agents say of a conversation that they do not have.
fn forgotten(words: &str, end: &End) -> bool {
    let said = end.error.as_ref().map_or("", |(_, message)| message.as_str());
    [words, said].iter().any(|text| {
        text.contains("No conversation found with session ID")
            || text.contains("no rollout found for thread id")
    })
}

/// Standard error goes to ours; a closed one is no reason to fail. The last lines of it, or of
/// what was printed instead of JSON, are what a person would look at.
fn last_words(stderr: &Path, plain: &VecDeque<String>) -> String {
    let bytes = disk::tail_bytes(stderr, MAX_STDERR).unwrap_or_default();
    drop(std::io::stderr().write_all(&bytes));
    let text = String::from_utf8_lossy(&bytes);
    let said = |line: &&str| !line.trim().is_empty() && !line.starts_with("WARNING:");
    let of_stderr = text.lines().rev().find(said).unwrap_or("");
    let mut words: Vec<&str> = plain.iter().map(String::as_str).collect();
    words.push(of_stderr);
    words.retain(|line| !line.trim().is_empty());
    words.join(" · ")
}

/// The agent's standard output.
struct Stream<L> {
    lines: L,
    /// The last lines that were no JSON.
    plain: VecDeque<String>,
    gave_up: bool,
}

impl<L: Lines> Stream<L> {
    fn take(
        &mut self,
        line: &[u8],
        events: &mut Events<impl Write>,
        handle: &Interrupt,
    ) -> Result<()> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(line);
        match serde_json::from_str::<Value>(&text) {
            Ok(value) if value.is_object() => {
                for event in self.lines.read(value) {
                    events.emit(&event)?;
                }
            }
            Ok(_) | Err(_) => {
                self.plain.push_back(one_line(&text, 500));
                if self.plain.len() > 3 {
                    self.plain.pop_front();
                }
                events.emit(&Event::Raw { data: shorten::text(&text).into() })?;
            }
        }
        if self.lines.gave_up() && !self.gave_up {
            self.gave_up = true;
            handle.trip();
        }
        Ok(())
    }
}

fn finish(end: End, mut events: Events<impl Write>) -> Result<Exit> {
    let mut exit = Exit::YES;
    if let Some((class, message)) = end.error {
        exit = exit_of(class);
        if end.until.is_some() || matches!(class, ErrorClass::RateLimit | ErrorClass::Quota) {
            events.emit(&Event::RateLimited { until: end.until })?;
        }
        events.error(class, message)?;
    }
    events.done(end.reason, end.structured)?;
    Ok(exit)
}
