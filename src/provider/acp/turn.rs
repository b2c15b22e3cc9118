//! One turn, from the request to `done`: the agent's process on one side, the conversation with it
//! on the other, in a thread of its own.

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Duration;

use agent_client_protocol::v1::schema::StopReason;
use agent_client_protocol::{Client as ClientRole, UntypedMessage};
use futures::SinkExt;
use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use futures::executor::block_on;
use serde_json::{Value, json};

use super::client::{Cancel, Canceller, Client, NOISE};
use super::files::Files;
use super::session::{Outcome, speak};
use super::setup::Setup;
use super::updates::Updates;
use super::{errors, pipe};
use crate::agent::protocol::StopLine;
use crate::agent::{ErrorClass, Event, Request, of_provider};
use crate::base::clock::Clock;
use crate::base::text::one_line;
use crate::base::{Error, Exit, Result, Secrets};
use crate::disk;
use crate::process::{Command, Ended, Interrupt, Words, stop};
use crate::provider::agent_cli::{Conversations, reset_time};
use crate::provider::command::last_object;
use crate::provider::io::{Events, exit_of, read_request};

/// A longer line is cut, and then it is no message any more. Agents echo whole files.
const MAX_LINE: usize = 32 << 20;
/// How long an agent may take to say that it has stopped.
const LAST_WORDS: Duration = Duration::from_millis(1500);
/// How long it may take to leave once the turn is over.
const LEAVE: Duration = Duration::from_millis(2000);
/// The same when we must leave too: with [`LAST_WORDS`] and the last signals less than the 2.5
/// seconds that whoever stops us gives.
const LEAVE_SOON: Duration = Duration::from_millis(500);
/// This much of the end of standard error is passed on to ours.
const MAX_STDERR: u64 = 64 << 10;

/// Reads one request and plays it. Fails only when nobody reads the events any more, or when this
/// machine cannot start programs at all; everything else is reported as events, and ends in `done`.
pub fn run(
    mut input: impl BufRead + Send + 'static,
    output: impl Write + Send + 'static,
) -> Result<Exit> {
    let events = Events::new(output);
    let request = match read_request(&mut input) {
        Ok(request) => request,
        Err(failure) => return events.fail(failure),
    };
    match Setup::of(&request) {
        Ok(setup) => turn(&request, &setup, input, events),
        Err(failure) => events.fail(failure),
    }
}

pub(super) fn turn<W: Write + Send + 'static>(
    request: &Request,
    setup: &Setup,
    input: impl BufRead + Send + 'static,
    events: Events<W>,
) -> Result<Exit> {
    let talks = Conversations::of(request);
    let before = match &request.resume {
        None => Some(0.0),
        Some(id) => talks.last(id).and_then(|used| used.usd),
    };
    let files = Files::of(&request.workdir);
    let (canceller, cancel) = unbounded();
    listen(input, canceller.clone());
    let updates = Updates::new(files.clone(), before);
    // A stop and the end of the time: what was used comes with the answer of the prompt.
    let asks = canceller.clone();
    let tell = move || drop(asks.unbounded_send(Cancel::Asked));
    let client = Client::new(request, events, updates, files, canceller);
    let (stdin, feed, lines) = pipe::open()?;
    let handle = Interrupt::default();
    let stderr = request.output_file.with_file_name("agent-stderr.log");
    disk::create_dir_all(stderr.parent().unwrap_or(Path::new(".")))?;

    let talk = {
        let (client, request, setup) = (client.clone(), request.clone(), setup.clone());
        let handle = handle.clone();
        std::thread::spawn(move || {
            let outcome = block_on(converse(lines, &request, &setup, &client, cancel, &handle));
            // The turn is over: its end of the pipe is closed, and it may leave.
            handle.trip();
            outcome
        })
    };
    let mut feed = Some(feed);
    let finished =
        Command::new(setup.argv.clone(), &request.workdir, of_provider(request, &[""; 0]))
            .stdin_pipe(stdin)
            .timeout(setup.limit)
            .interrupt(&handle, LEAVE)
            .words(Words::new(tell, LAST_WORDS, LEAVE_SOON))
            .hide(&Secrets::from_env(&request.secrets))
            .run_lines(&stderr, MAX_LINE, &mut |line| {
                if let Some(to) = &mut feed
                    && !take(&line, to)
                {
                    feed = None;
                }
                Ok(())
            });
    // The conversation ends with the agent.
    drop(feed);
    let outcome = talk.join().map_err(|_| Error::bug("the conversation broke off"))?;
    let finished = finished?;
    let words = last_words(&stderr);
    let (id, step, total, answer) = {
        let mut inner = client.lock();
        let close = inner.updates.close();
        inner.tell(close);
        let answer = setup.wants_answer.then(|| last_object(inner.updates.last_words())).flatten();
        (inner.session.clone(), inner.step, inner.updates.total_usd, answer)
    };
    if let (Some(id), Some(usd)) = (id, total) {
        talks.keep(&id, usd);
    }
    let events = client.into_events()?;
    let end = judge(setup, finished.ended, outcome, step, answer, &words);
    finish(end, events)
}

/// Hands one line to the conversation; false when that is over. What is no message, a library that
/// prints or a line that was cut, is kept as it is.
fn take(line: &[u8], feed: &mut pipe::Feed) -> bool {
    if line.iter().all(u8::is_ascii_whitespace) {
        return true;
    }
    let text = String::from_utf8_lossy(line);
    let is_message = serde_json::from_str::<Value>(&text).is_ok_and(|v| v.get("jsonrpc").is_some());
    let message = if is_message {
        text.into_owned()
    } else {
        json!({"jsonrpc": "2.0", "method": NOISE, "params": {"line": text}}).to_string()
    };
    block_on(feed.send(Ok(message))).is_ok()
}

async fn converse<W: Write + Send + 'static>(
    lines: impl agent_client_protocol::ConnectTo<ClientRole> + 'static,
    request: &Request,
    setup: &Setup,
    client: &Client<W>,
    cancel: UnboundedReceiver<Cancel>,
    handle: &Interrupt,
) -> Option<Outcome> {
    let on_cancel = || {
        let handle = handle.clone();
        std::thread::spawn(move || {
            std::thread::sleep(LAST_WORDS);
            handle.trip();
        });
    };
    let (asks, reads, writes, told) =
        (client.clone(), client.clone(), client.clone(), client.clone());
    let spoken = ClientRole
        .v1()
        .name("otto")
        .on_receive_request(
            async move |request: _, responder, _cx| responder.respond(asks.asked(&request)),
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |request: _, responder, _cx| {
                responder.respond_with_result(reads.read(&request))
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |request: _, responder, _cx| {
                responder.respond_with_result(writes.write(&request))
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_notification(
            async move |message: UntypedMessage, _cx| {
                told.notified(message);
                Ok(())
            },
            agent_client_protocol::on_receive_notification!(),
        )
        .connect_with(lines, async |cx| {
            Ok(speak(cx, request, setup, client, cancel, on_cancel).await)
        })
        .await;
    // An error of the connection itself: the agent is gone, and how it went says more.
    spoken.ok()
}

/// Listens for the stop line as long as this process lives. The end of the input is no request.
fn listen(mut input: impl BufRead + Send + 'static, cancel: Canceller) {
    std::thread::spawn(move || {
        let mut line = Vec::new();
        while input.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            if serde_json::from_slice::<StopLine>(&line).is_ok() {
                drop(cancel.unbounded_send(Cancel::Asked));
                return;
            }
            line.clear();
        }
    });
}

/// Standard error goes to ours; its last line is what a person would look at.
fn last_words(stderr: &Path) -> String {
    let bytes = disk::tail_bytes(stderr, MAX_STDERR).unwrap_or_default();
    drop(std::io::stderr().write_all(&bytes));
    let text = String::from_utf8_lossy(&bytes);
    one_line(text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or(""), 500)
}

/// The last events of a turn.
#[derive(Debug, PartialEq)]
struct End {
    reason: &'static str,
    structured: Option<Value>,
    error: Option<(ErrorClass, String)>,
}

impl End {
    fn of(reason: &'static str) -> Self {
        Self { reason, structured: None, error: None }
    }

    fn failed(reason: &'static str, class: ErrorClass, message: impl Into<String>) -> Self {
        Self { error: Some((class, message.into())), ..Self::of(reason) }
    }
}

fn judge(
    setup: &Setup,
    ended: Ended,
    outcome: Option<Outcome>,
    step: Option<&str>,
    answer: Option<Value>,
    words: &str,
) -> End {
    let silent = |when: &str| {
        let step = step.unwrap_or("initialize");
        let told = format!(
            "the agent did not answer `{step}` {when}: it may wait for a person, or not speak the protocol; try it by hand, and correct providers.acp.argv"
        );
        if words.is_empty() { told } else { format!("{told}; it said: {words}") }
    };
    let program = setup.argv[0].to_string_lossy();
    let stopped = || End::failed("interrupted", ErrorClass::Interrupted, "the agent was stopped");
    match (ended, outcome) {
        (Ended::NotFound, _) => End::failed(
            "error",
            ErrorClass::MissingTool,
            format!(
                "the agent '{program}' was not found, or what its #! line names; install it, or correct providers.acp.argv"
            ),
        ),
        (Ended::NotExecutable, _) => End::failed(
            "error",
            ErrorClass::MissingTool,
            format!("the agent '{program}' cannot be executed"),
        ),
        (Ended::TimedOut, outcome) if !is_good(&outcome) => {
            let told = match step {
                Some(_) => silent("before the deadline"),
                None => "the agent was still at work at its deadline".into(),
            };
            End::failed("timed out", ErrorClass::Interrupted, told)
        }
        (_, Some(Outcome::Silent)) => {
            let class = errors::of_words(words).unwrap_or(ErrorClass::Unknown);
            End::failed("error", class, silent(&format!("within {:?}", setup.step_limit)))
        }
        (_, Some(Outcome::Cancelled(Cancel::Turns))) => End::of("max_turns"),
        (_, Some(Outcome::Cancelled(Cancel::Money))) => End::of("budget"),
        (_, Some(Outcome::Cancelled(Cancel::Asked))) => stopped(),
        (_, Some(Outcome::Failed(class, message))) => {
            let more = class == ErrorClass::Unknown && !words.is_empty();
            let class = if more { errors::of_words(words).unwrap_or(class) } else { class };
            End::failed("error", class, message)
        }
        (_, Some(Outcome::Stopped(reason))) => match reason {
            StopReason::EndTurn if setup.wants_answer && answer.is_none() => {
                let told = "the agent's last message holds no JSON object, and that was asked for";
                End::failed("error", ErrorClass::Unknown, told)
            }
            StopReason::EndTurn => End { structured: answer, ..End::of("end") },
            StopReason::MaxTurnRequests => End::of("max_turns"),
            StopReason::MaxTokens => End::of("max_tokens"),
            StopReason::Refusal => {
                End::failed("refused", ErrorClass::Refused, "the agent refused to go on")
            }
            StopReason::Cancelled => stopped(),
            _ => End::failed("error", ErrorClass::Unknown, "the agent ended in an unknown way"),
        },
        (_, None | Some(Outcome::Lost)) if stop::requested().is_some() => stopped(),
        (ended, None | Some(Outcome::Lost)) => {
            let how = match ended {
                Ended::Exited(code) => format!("exit {code}"),
                Ended::Signaled(signal) => format!("signal {signal}"),
                _ => "it was stopped".to_owned(),
            };
            let told = format!("the agent ended in the middle of the conversation ({how})");
            let told = if words.is_empty() { told } else { format!("{told}: {words}") };
            End::failed("error", errors::of_words(words).unwrap_or(ErrorClass::Unknown), told)
        }
    }
}

/// It had said that it was done, and only took its time to leave.
fn is_good(outcome: &Option<Outcome>) -> bool {
    matches!(outcome, Some(Outcome::Stopped(reason)) if *reason != StopReason::Cancelled)
}

fn finish(end: End, mut events: Events<impl Write>) -> Result<Exit> {
    let mut exit = Exit::YES;
    if let Some((class, message)) = end.error {
        exit = exit_of(class);
        if matches!(class, ErrorClass::RateLimit | ErrorClass::Quota) {
            let zone = jiff::tz::TimeZone::system();
            let until = reset_time(class, &message, Clock::from_env().now(), &zone);
            events.emit(&Event::RateLimited { until: until.map(|at| at.to_string()) })?;
        }
        events.error(class, message)?;
    }
    events.done(end.reason, end.structured)?;
    Ok(exit)
}
