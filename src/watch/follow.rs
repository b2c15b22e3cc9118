//! The log of a session: what its journal says and what its agents do, interleaved by time.
//!
//! Following looks every 200 ms. A watch on the file system would need one on every folder that is
//! yet to come, does not work on some of them, and would still have to look at lengths; a look at
//! the few files of a session costs less than a millisecond.

use std::collections::{BTreeSet, VecDeque};
use std::io::Write;
use std::time::Duration;

use super::events::Events;
use super::line::{Line, Widths};
use super::merge::Merge;
use super::told::Told;
use super::turns::turns_besides;
use crate::base::{Error, Result};
use crate::process::stop;
use crate::session::Session;
use crate::session::state::RunState;
use crate::stage::group_of;

pub use super::line::Form;

const LOOK: Duration = Duration::from_millis(200);

/// What to show.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Only these; none means all, and what is of no group too.
    pub groups: Vec<String>,
    /// Every event, chatter included.
    pub all: bool,
    /// What agents do.
    pub agents: bool,
    pub form: Form,
    /// Only the last lines.
    pub last: Option<usize>,
    /// Go on until the run is over.
    pub follow: bool,
}

/// Whether somebody still reads what is written.
pub trait Readers: Write {
    fn are_there(&self) -> bool;
}

/// Writes the log. A reader that goes away ends it, quietly.
pub fn show(session: &Session, wanted: &Wanted, out: &mut impl Readers) -> Result<()> {
    match run(session, wanted, out) {
        Err(End::Reader) => Ok(()),
        Err(End::Fault(e)) => Err(e),
        Ok(()) => Ok(()),
    }
}

pub(super) enum End {
    /// Nobody reads any more, or wants to.
    Reader,
    Fault(Error),
}

impl From<Error> for End {
    fn from(e: Error) -> Self {
        End::Fault(e)
    }
}

impl From<std::io::Error> for End {
    fn from(e: std::io::Error) -> Self {
        match e.kind() {
            std::io::ErrorKind::BrokenPipe => End::Reader,
            _ => End::Fault(Error::machine("cannot write to standard output").because(e)),
        }
    }
}

fn run(session: &Session, wanted: &Wanted, out: &mut impl Readers) -> Result<(), End> {
    let mut log = Log::new(session, wanted);
    let mut over = is_over(session)?;
    match wanted.last {
        None => log.all(out)?,
        Some(n) => log.last(n, out)?,
    }
    out.flush()?;
    while wanted.follow && !over && stop::requested().is_none() && out.are_there() {
        std::thread::sleep(LOOK);
        // Looked at first: what was told until then is read after it.
        over = is_over(session)?;
        log.more(out)?;
        out.flush()?;
    }
    Ok(())
}

/// Fails (2) for a group that the spec does not have, where there is one.
pub fn require_groups(session: &Session, groups: &[String]) -> Result<()> {
    if groups.is_empty() || !session.layout.spec_json().exists() {
        return Ok(());
    }
    let spec = session.current_spec()?;
    groups.iter().try_for_each(|gid| group_of(&spec, gid).map(drop))
}

/// Nobody works on it until a person takes it up again.
fn is_over(session: &Session) -> Result<bool> {
    session.with_state(|state| match state.run {
        RunState::Open => false,
        RunState::Paused { .. } | RunState::Finished { .. } | RunState::Aborted { .. } => true,
    })
}

struct Log<'a> {
    session: &'a Session,
    wanted: &'a Wanted,
    events: Events,
    told: Vec<Told>,
    known: BTreeSet<String>,
}

impl<'a> Log<'a> {
    fn new(session: &'a Session, wanted: &'a Wanted) -> Self {
        let widths = Widths::new(wanted.agents);
        let journal = session.layout.journal();
        let events = Events::new(journal, &wanted.groups, wanted.all, wanted.form, widths);
        Self { session, wanted, events, told: Vec::new(), known: BTreeSet::new() }
    }

    /// Takes up the turns that have begun since the last look.
    fn look_for_turns(&mut self) -> Result<()> {
        if !self.wanted.agents {
            return Ok(());
        }
        for turn in turns_besides(&self.session.layout, &mut self.known)? {
            let group = || turn.group.as_ref().is_some_and(|g| self.wanted.groups.contains(g));
            if self.wanted.groups.is_empty() || group() {
                let source = self.told.len() + 1;
                self.told.push(Told::new(turn, source, self.wanted.form, self.events.widths));
            }
        }
        Ok(())
    }

    /// Everything, in the order of time.
    fn all(&mut self, out: &mut dyn Write) -> Result<(), End> {
        self.look_for_turns()?;
        let mut told = Merge::new(&mut self.told);
        let mut failed = None;
        let read = self.events.lines(&mut |line| {
            // What an agent did at the moment of an event led to it.
            let written = told
                .write_until(Some(line.at), out)
                .and_then(|()| Ok(writeln!(out, "{}", line.text)?));
            written.map_err(|end| {
                failed = Some(end);
                Error::bug("the log was not written")
            })
        });
        match failed {
            Some(end) => return Err(end),
            None => read?,
        }
        told.write_until(None, out)
    }

    /// The last `n` lines of all sources together.
    fn last(&mut self, n: usize, out: &mut dyn Write) -> Result<(), End> {
        let mut lines: VecDeque<Line> = VecDeque::new();
        self.events.lines(&mut |line| {
            lines.push_back(line);
            if lines.len() > n {
                lines.pop_front();
            }
            Ok(())
        })?;
        let mut lines = Vec::from(lines);
        self.look_for_turns()?;
        for told in &mut self.told {
            told.seek_from_end(n)?;
            told.lines(&mut |line| {
                lines.push(line);
                true
            })?;
            keep_last(&mut lines, n);
        }
        keep_last(&mut lines, n);
        lines.iter().try_for_each(|line| writeln!(out, "{}", line.text))?;
        Ok(())
    }

    /// What was added since.
    fn more(&mut self, out: &mut dyn Write) -> Result<(), End> {
        let mut lines = Vec::new();
        self.look_for_turns()?;
        // The agents first: what an event follows from is not shown after it.
        for told in &mut self.told {
            told.lines(&mut |line| {
                lines.push(line);
                true
            })?;
        }
        self.events.lines(&mut |line| {
            lines.push(line);
            Ok(())
        })?;
        sort(&mut lines);
        lines.iter().try_for_each(|line| writeln!(out, "{}", line.text))?;
        Ok(())
    }
}

/// By time; of the same moment, an event of the journal after what agents did. Lines of one source
/// keep their order.
fn sort(lines: &mut [Line]) {
    lines.sort_by_key(|line| (line.at, line.source == 0, line.source));
}

fn keep_last(lines: &mut Vec<Line>, n: usize) {
    sort(lines);
    lines.drain(..lines.len().saturating_sub(n));
}
