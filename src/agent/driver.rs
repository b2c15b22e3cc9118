//! One turn of one agent: starts the provider program, reads its events, keeps the transcript,
//! enforces the caps, and says how it ended. Whether the work is any good is judged elsewhere,
//! from the tree.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::contain::Inside;
use super::describe::needs;
use super::env::of_provider;
use super::ledger::{Ledger, Meter, while_money_lasts};
use super::protocol::{self, ErrorClass, Event, Request};
use super::transcript::Transcript;
use crate::base::text::count;
use crate::base::{Error, Result, Secrets};
use crate::disk;
use crate::process::{Command, Ended, Interrupt, own_command, stop};
use crate::session::config::{Agent, Role};

/// A line over this is cut: an agent that floods stays bounded.
const MAX_LINE: usize = 8 << 20;

/// A provider that has to end may report what was spent, which takes its agent up to two seconds;
/// one that works on instead has less ([`Interrupt::hurry`]).
const GRACE: Duration = Duration::from_millis(2500);

/// A provider that said `done` is given this long to leave.
const AFTER_DONE: Duration = Duration::from_secs(2);

/// What to ask for.
#[derive(Debug)]
pub struct Turn<'a> {
    pub role: Role,
    pub agent: &'a Agent,
    pub session: &'a str,
    pub group: Option<&'a str>,
    /// Counted from 1 within the role and group.
    pub attempt: u32,
    /// The worktree, and what keeps the agent in it.
    pub inside: Inside<'a>,
    /// Gets prompt.md, request.json, messages.jsonl, narrative.log, stderr.log.
    pub dir: &'a Path,
    pub prompt: &'a str,
    pub schema: Option<&'a Value>,
    /// The conversation to go on with.
    pub resume: Option<Talk<'a>>,
    /// The agent's own folder, kept from turn to turn.
    pub state_dir: Option<&'a Path>,
    pub max_turns: u32,
    pub ledger: &'a dyn Ledger,
    pub secrets: &'a [String],
    pub now: Timestamp,
    pub limit: Duration,
}

/// An earlier conversation, as its provider names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talk<'a> {
    pub id: &'a str,
    /// In a copy of it.
    pub fork: bool,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The provider said that it is done, with this word.
    Done(String),
    /// It ended without saying so: killed, crashed, or it does not speak the protocol.
    NoDone,
    TimedOut,
    Capped(Cap),
    Stopped,
}

/// What a turn used too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    Turns,
    Money,
}

impl Cap {
    fn word(self) -> &'static str {
        match self {
            Cap::Turns => "turns",
            Cap::Money => "money",
        }
    }
}

#[derive(Debug, Clone)]
pub struct TurnResult {
    pub ending: Ending,
    pub error: Option<(ErrorClass, String)>,
    /// The last thing it said: a claim, never evidence.
    pub claim: String,
    pub structured: Option<Value>,
    pub retry_at: Option<String>,
    pub denied: Vec<String>,
    /// It called no tool, changed no file and said nothing.
    pub is_idle: bool,
    pub provider_session: Option<String>,
}

impl TurnResult {
    /// One in which nothing was done.
    fn nothing(ending: Ending) -> Self {
        Self {
            ending,
            error: None,
            claim: String::new(),
            structured: None,
            retry_at: None,
            denied: Vec::new(),
            is_idle: true,
            provider_session: None,
        }
    }

    /// It was ended before its agent was ready, by whoever pays for it or waits for it. What is there
    /// is not what the agent hands in.
    pub fn was_cut(&self) -> bool {
        match &self.ending {
            Ending::Stopped | Ending::TimedOut | Ending::Capped(Cap::Money) => true,
            Ending::Done(reason) => {
                ["budget", "timed out", "interrupted", "stopped"].contains(&reason.as_str())
            }
            Ending::NoDone | Ending::Capped(Cap::Turns) => false,
        }
    }

    /// A word for the journal.
    pub fn word(&self) -> String {
        if let Some((class, _)) = &self.error {
            return format!("error: {}", class.word());
        }
        match &self.ending {
            Ending::Done(reason) if self.denied.is_empty() => reason.clone(),
            Ending::Done(reason) => {
                format!("{reason}; {} denied", count(self.denied.len(), "tool call"))
            }
            Ending::NoDone => "ended without done".into(),
            Ending::TimedOut => "timed out".into(),
            Ending::Capped(what) => format!("over the cap on {}", what.word()),
            Ending::Stopped => "stopped".into(),
        }
    }
}

/// Fails (69) unless a provider is configured for the role and its program is installed.
pub fn require_provider(role: Role, agent: &Agent) -> Result<()> {
    let Some(name) = &agent.provider else {
        return Err(Error::missing(format!(
            "no agent is configured for the role '{}'",
            role.word()
        ))
        .hint("say which: --provider command, or `provider:` in otto.yaml (otto init explains)"));
    };
    // The one provider that is nothing without a setting: said before anything is written.
    if name == "command" && agent.settings.get("argv").is_none() {
        return Err(Error::missing("the provider 'command' has no program to call").hint(
            "name it in otto.yaml: providers: {command: {argv: [\"./agent.sh\"]}}   or: -c 'providers.command.argv=[\"./agent.sh\"]'",
        ));
    }
    let program = format!("otto-provider-{name}");
    match own_command(&program).as_slice() {
        [only] if !std::path::Path::new(only).is_file() => {
            Err(Error::missing(format!("there is no program '{program}'")).hint(format!(
                "install it beside otto or on PATH, or choose another provider than '{name}'"
            )))
        }
        _ => Ok(()),
    }
}

/// Runs the turn. `Err` means that there was none: no provider is configured or installed.
pub fn run_turn(turn: &Turn<'_>) -> Result<TurnResult> {
    let role = turn.role.word();
    require_provider(turn.role, turn.agent)?;
    let name = turn.agent.provider.as_deref().unwrap_or_default();
    let secrets = Secrets::from_env(turn.secrets);
    disk::create_dir_all(turn.dir)?;
    let path = |file: &str| turn.dir.join(file);
    disk::replace(&path("prompt.md"), secrets.hide(turn.prompt).as_bytes())?;
    let exchange = turn.inside.open()?;
    let prompt_file = exchange.put("prompt.md", secrets.hide(turn.prompt).as_bytes())?;
    let schema_file = match turn.schema {
        Some(schema) => Some(exchange.put("schema.json", format!("{schema:#}\n").as_bytes())?),
        None => None,
    };
    let request = Request {
        v: protocol::VERSION,
        role: role.to_owned(),
        session: turn.session.to_owned(),
        group: turn.group.map(str::to_owned),
        attempt: turn.attempt,
        prompt_file,
        workdir: turn.inside.workdir().to_owned(),
        resume: turn.resume.map(|talk| talk.id.to_owned()),
        fork: turn.resume.is_some_and(|talk| talk.fork),
        model: turn.agent.model.clone(),
        effort: turn.agent.effort.clone(),
        max_turns: turn.max_turns,
        deadline: (turn.now + turn.limit).to_string(),
        budget_usd: turn.ledger.left()?,
        schema_file,
        output_file: exchange.file("output.json"),
        state_dir: turn.state_dir.map(Path::to_owned),
        sandbox: turn.inside.told(),
        settings: turn.agent.settings.clone(),
        secrets: turn.secrets.to_vec(),
    };
    let told = serde_json::to_value(&request)
        .map_err(|e| Error::bug("a provider request cannot be written").because(e))?;
    disk::replace_json(&path("request.json"), &secrets.hide_json(&told))?;
    let mut line = serde_json::to_vec(&request)
        .map_err(|e| Error::bug("a provider request cannot be written").because(e))?;
    line.push(b'\n');

    let transcript = Transcript::create(turn.dir, &secrets)?;
    if request.budget_usd.is_some_and(|left| left <= 0.0) {
        // Others have spent it since somebody looked.
        return Ok(TurnResult::nothing(Ending::Capped(Cap::Money)));
    }
    let mut reader = EventReader::new(transcript, turn);
    let program = format!("otto-provider-{name}");
    if let Some(dir) = turn.state_dir {
        disk::create_dir_all(dir)?;
    }
    // Not in the worktree: what is asked there runs outside of the sandbox, and a relative program
    // would be the agent's own.
    let needs = needs(turn.agent, Path::new("/"))?;
    let mut env = of_provider(&request, &needs.env);
    env.extend(turn.inside.package_env(turn.state_dir)?);
    let argv = own_command(&program);
    let sandbox = turn.inside.sandbox(&exchange, turn.state_dir, &needs, &argv)?;
    let interrupt = reader.interrupt.clone();
    let command = Command::new(argv, turn.inside.workdir(), env)
        .sandbox(sandbox)
        .stdin(line)
        .timeout(turn.limit)
        .interrupt(&interrupt, GRACE)
        .hide(&secrets);
    let log = path("stderr.log");
    let (ended, overspent) = while_money_lasts(turn.ledger, &interrupt, || {
        command.run_lines(&log, MAX_LINE, &mut |line| reader.take(&line))
    })?;
    turn.inside.close(turn.state_dir, &needs)?;
    let ended = ended?.ended;
    if overspent {
        reader.cap(Cap::Money);
    }
    if matches!(ended, Ended::NotFound | Ended::NotExecutable) {
        return Err(Error::missing(format!("'{program}' cannot be started")));
    }
    reader.meter.close()?;
    // The provider may know less than we do of what is secret, and an agent writes its answer itself.
    for file in ["agent-stderr.log", "output.json"] {
        exchange.take(file, &path(file), &secrets)?;
    }
    reader.finish(ended, &path("stderr.log"))
}

/// Collects what the events say.
struct EventReader<'a> {
    transcript: Transcript,
    result: TurnResult,
    done: bool,
    tool_calls: u32,
    max_turns: u32,
    meter: Meter<'a>,
    interrupt: Interrupt,
    capped: Option<Cap>,
}

impl<'a> EventReader<'a> {
    fn new(transcript: Transcript, turn: &Turn<'a>) -> Self {
        Self {
            transcript,
            result: TurnResult::nothing(Ending::NoDone),
            done: false,
            tool_calls: 0,
            max_turns: turn.max_turns,
            meter: Meter::new(turn.ledger),
            interrupt: Interrupt::default(),
            capped: None,
        }
    }

    fn take(&mut self, line: &[u8]) -> Result<()> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let event = protocol::parse_line(line);
        // Counted when it is said: what is written may wait behind words.
        if let Some(usage) = event.usage()
            && self.meter.take(&usage)?
        {
            self.cap(Cap::Money);
        }
        if is_work(&event) && self.interrupt.is_tripped() {
            self.interrupt.hurry();
        }
        for event in self.transcript.write(event)? {
            self.note(event);
        }
        Ok(())
    }

    /// What an event says, without its secrets.
    fn note(&mut self, event: Event) {
        self.result.is_idle &= !is_work(&event);
        match event {
            Event::Started { provider_session, model, .. } => {
                self.meter.uses(model.as_deref());
                self.result.provider_session = provider_session;
            }
            Event::Text { text } => {
                if !text.trim().is_empty() {
                    self.result.claim = text;
                }
            }
            Event::ToolCall { .. } => {
                self.tool_calls += 1;
                if self.tool_calls > self.max_turns {
                    self.cap(Cap::Turns);
                }
            }
            Event::RateLimited { until } => self.result.retry_at = until,
            Event::Denied { tool } => self.result.denied.push(tool),
            Event::Error { class, message } => self.result.error = Some((class, message)),
            Event::Done { reason, structured } => {
                // Exactly one counts; a second is kept in the transcript and changes nothing.
                if !self.done {
                    self.done = true;
                    self.interrupt.trip_in(AFTER_DONE);
                    self.result.ending = Ending::Done(reason);
                    self.result.structured = structured;
                }
            }
            Event::Thinking { .. }
            | Event::ToolResult { .. }
            | Event::FileChange { .. }
            | Event::Usage { .. }
            | Event::Cost { .. }
            | Event::Raw { .. } => {}
        }
    }

    /// Models ignore caps; the parent counts and ends the turn. What it still reports of its cost is
    /// taken.
    fn cap(&mut self, what: Cap) {
        self.capped.get_or_insert(what);
        self.interrupt.trip();
    }

    fn finish(mut self, ended: Ended, stderr: &Path) -> Result<TurnResult> {
        for event in self.transcript.flush()? {
            self.note(event);
        }
        let ending = match (self.capped, &ended) {
            (Some(what), _) => Some(Ending::Capped(what)),
            (None, Ended::TimedOut) => Some(Ending::TimedOut),
            // It said that it is done, and did not leave.
            (None, Ended::Stopped) if self.done && stop::requested().is_none() => None,
            (None, Ended::Stopped) => Some(Ending::Stopped),
            (
                None,
                Ended::Exited(_)
                | Ended::Signaled(_)
                | Ended::TooMuchOutput
                | Ended::OverLimit(_)
                | Ended::NotFound
                | Ended::NotExecutable,
            ) => None,
        };
        if let Some(ending) = ending {
            self.result.ending = ending;
            // It was asked to leave, and says so.
            self.result.error.take_if(|(class, _)| *class == ErrorClass::Interrupted);
        }
        if let Ended::OverLimit(limit) = ended {
            // What the provider says of its end is that it was asked to leave.
            let message = format!("the sandbox ended it: {}", limit.word());
            self.result.error = Some((ErrorClass::Unknown, message));
        }
        if self.result.ending == Ending::NoDone && self.result.error.is_none() {
            let said = disk::tail_bytes(stderr, 2000).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            let last = said.trim().lines().last().unwrap_or("");
            let how = match ended {
                Ended::Exited(code) => format!("exit {code}"),
                Ended::Signaled(signal) => format!("signal {signal}"),
                other => format!("{other:?}"),
            };
            let message = format!("the provider ended without 'done' ({how}) {last}");
            let class = ErrorClass::Unknown;
            for event in self.transcript.write(Event::Error { class, message })? {
                self.note(event);
            }
        }
        Ok(self.result)
    }
}

/// Whether an agent that says this does something.
fn is_work(event: &Event) -> bool {
    matches!(
        event,
        Event::Text { .. }
            | Event::Thinking { .. }
            | Event::ToolCall { .. }
            | Event::ToolResult { .. }
            | Event::FileChange { .. }
    )
}
