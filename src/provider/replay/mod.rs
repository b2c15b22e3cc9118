//! `otto-provider-replay`: plays the turns of a recording (`settings.dir`) instead of asking
//! anybody. The layout of a recording is told in [`crate::stage::record`].

mod patch;
#[cfg(test)]
mod tests;
mod turn;

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::turn::Turn;
use super::describe;
use super::io::{Events, Failure, in_worktree, needs_answer, read_request, setting_str, time_left};
use crate::agent::describe::{Abilities, Description, Needs};
use crate::agent::{Event, Request, protocol};
use crate::base::{Exit, Result, Sha256};
use crate::disk;
use crate::process::stop;
use crate::stage::record::{Recording, VERSION, turn_dir};

/// How often a pause looks at the stop flag.
const TICK: Duration = Duration::from_millis(20);

/// Reads one request and plays its turn. Fails only when nobody reads the events any more.
pub fn run(input: impl BufRead, output: impl Write) -> Result<Exit> {
    let mut events = Events::new(output);
    let played = match read_request(input) {
        Ok(request) => play(&request, &mut events)?,
        Err(failure) => Err(failure),
    };
    match played {
        Ok(structured) => {
            events.done("end", structured)?;
            Ok(Exit::YES)
        }
        Err(failure) => events.fail(failure),
    }
}

/// Reads the settings and says what is there.
pub fn describe(input: impl BufRead, output: impl Write) -> Result<Exit> {
    describe::answer(input, output, |settings| {
        let dir = settings.get("dir").and_then(Value::as_str).map(Path::new);
        let missing = match dir {
            None => Some("no recording is named; write providers.replay.dir".to_owned()),
            Some(dir) if dir.is_absolute() && !dir.is_dir() => {
                Some(format!("there is no recording '{}'", dir.display()))
            }
            Some(_) => None,
        };
        Description {
            v: protocol::VERSION,
            missing,
            can: Abilities { structured: true, usage: true, cost: true, ..Abilities::default() },
            needs: Needs {
                // One in the worktree can be read there anyway.
                read: dir.filter(|dir| dir.is_absolute()).map(Path::to_owned).into_iter().collect(),
                ..Needs::default()
            },
            ..Description::default()
        }
    })
}

/// `Err` outside: nobody listens; inside: what is wrong with the turn.
fn play<W: Write>(
    request: &Request,
    events: &mut Events<W>,
) -> Result<std::result::Result<Option<Value>, Failure>> {
    let (turn, pace) = match find(request) {
        Ok(found) => found,
        Err(failure) => return Ok(Err(failure)),
    };
    events.emit(&Event::Started {
        provider_session: None,
        version: None,
        model: Some("recording".into()),
    })?;
    // First, so that nothing is said about work that cannot be done.
    if let Some(bytes) = &turn.patch {
        match patch::apply(request, bytes) {
            Ok(changes) => {
                for (path, kind) in changes {
                    events.emit(&Event::FileChange { path, kind: kind.into() })?;
                }
            }
            Err(failure) => return Ok(Err(failure)),
        }
    }
    for path in &turn.files {
        events.emit(&Event::FileChange { path: path.clone(), kind: String::new() })?;
    }
    let mut pace = pace.over(turn.narrative.len() + 1);
    for line in &turn.narrative {
        if let Err(failure) = pace.pause() {
            return Ok(Err(failure));
        }
        events.text(line)?;
    }
    if let Err(failure) = pace.pause() {
        return Ok(Err(failure));
    }
    for event in turn.usage_events() {
        events.emit(&event)?;
    }
    Ok(Ok(turn.answer))
}

fn find(request: &Request) -> Result<(Turn, Pace), Failure> {
    let example = "write in otto.yaml: providers: {replay: {dir: path/to/recording}}";
    let Some(dir) = setting_str(request, "dir")? else {
        return Err(Failure::bad_request(format!("no recording is configured; {example}")));
    };
    let dir = in_worktree(request, Path::new(dir));
    if !dir.is_dir() {
        let shown = dir.display();
        return Err(Failure::bad_request(format!("there is no recording at '{shown}'; {example}")));
    }
    // A role is one of seven words, and a group's name is held to its rule: no path leads out.
    needs_answer(request)?;
    let group = request.group.as_deref();
    if let Some(group) = group.filter(|g| !crate::base::ids::is_group_id(g)) {
        return Err(Failure::bad_request(format!("'{group}' is not a group id")));
    }
    let turn = turn_dir(&dir, &request.role, group, request.attempt);
    if !turn.is_dir() {
        return Err(Failure::bad_request(format!(
            "the recording has no turn {}/{}/{:02}",
            request.role,
            group.unwrap_or("_"),
            request.attempt
        )));
    }
    let read = Turn::read(&turn)?;
    as_recorded(&dir, request, &read)?;
    Ok((read, Pace::of(request)?))
}

/// A recording that has a list holds exactly what the list says. One that a person wrote by hand
/// need not have one.
fn as_recorded(dir: &Path, request: &Request, turn: &Turn) -> Result<(), Failure> {
    let path = dir.join("recording.json");
    let bad =
        |why: String| Failure::bad_request(format!("the recording's '{}' {why}", path.display()));
    let Some(bytes) = disk::read_if_there(&path).map_err(|e| bad(e.to_string()))? else {
        return Ok(());
    };
    let list: Recording =
        serde_json::from_slice(&bytes).map_err(|e| bad(format!("cannot be used: {e}")))?;
    if list.v > VERSION {
        return Err(bad(format!("is of version {}: use a newer Otto", list.v)));
    }
    let listed = list.turns.iter().find(|t| {
        t.role == request.role && t.group == request.group && t.number == request.attempt
    });
    let Some(listed) = listed else { return Err(bad("does not list this turn".into())) };
    if listed.patch_sha256 != turn.patch.as_deref().map(Sha256::of) {
        let (role, number) = (&request.role, request.attempt);
        return Err(bad(format!("has another hash for changes.patch of {role} {number:02}")));
    }
    Ok(())
}

/// Spreads a turn over `settings.delay_ms`, so that people can watch turns go side by side.
struct Pace {
    whole: Duration,
    step: Duration,
    next: Instant,
    end: Instant,
}

impl Pace {
    fn of(request: &Request) -> Result<Self, Failure> {
        let whole = match request.settings.get("delay_ms") {
            None | Some(Value::Null) => Duration::ZERO,
            Some(value) => value.as_u64().map(Duration::from_millis).ok_or_else(|| {
                Failure::bad_request(format!("`delay_ms` must be a whole number and is {value}"))
            })?,
        };
        let now = Instant::now();
        Ok(Self { whole, step: whole, next: now, end: now + time_left(request)? })
    }

    fn over(mut self, steps: usize) -> Self {
        self.step = self.whole / u32::try_from(steps).unwrap_or(u32::MAX);
        self.next = Instant::now();
        self
    }

    fn pause(&mut self) -> Result<(), Failure> {
        self.next += self.step;
        loop {
            if stop::requested().is_some() {
                return Err(Failure::stopped("the replay was stopped"));
            }
            let now = Instant::now();
            if now >= self.next {
                return Ok(());
            }
            if now >= self.end {
                return Err(Failure::timed_out("the replay was still going at its deadline"));
            }
            std::thread::sleep(TICK.min(self.next - now));
        }
    }
}
