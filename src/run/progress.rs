//! What a run shows while it works: one line a group on a terminal, a line an event elsewhere.
//! Everything is read from the journal; nothing here knows about processes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::base::clock::human_duration;
use crate::session::journal::{Position, Reader, Record};
use crate::session::{GroupState, Phase, Session, State, Weight, tell};

const LOOK: Duration = Duration::from_millis(120);

/// Where it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Lines that change in place.
    Terminal,
    /// One line an event.
    Plain,
    Quiet,
}

impl Progress {
    /// Runs `body` and shows the session's journal meanwhile, on standard error.
    /// What was recorded up to event `from` was told before.
    pub fn during<T>(self, session: &Session, from: u64, body: impl FnOnce() -> T) -> T {
        if self == Progress::Quiet {
            return body();
        }
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let watcher = scope.spawn(|| self.watch(session, from, &over));
            let result = body();
            over.store(true, Ordering::SeqCst);
            // A watcher that failed has cost nothing but its lines.
            drop(watcher.join());
            result
        })
    }

    fn watch(self, session: &Session, from: u64, over: &AtomicBool) {
        let path = session.layout.journal();
        let mut at = Position::START;
        let mut state = State::default();
        let mut screen = Screen::new(self);
        loop {
            let last_look = over.load(Ordering::SeqCst);
            if let Ok(mut reader) = Reader::open(&path, at) {
                for record in reader.by_ref() {
                    let Ok(record) = record else { break };
                    state.apply(&record);
                    if record.seq > from {
                        screen.event(&record, &state);
                    }
                }
                at = reader.position;
            }
            screen.groups(&state);
            if last_look {
                screen.end();
                return;
            }
            std::thread::sleep(LOOK);
        }
    }
}

struct Screen {
    mode: Progress,
    bars: MultiProgress,
    lines: BTreeMap<String, ProgressBar>,
    started: Option<jiff::Timestamp>,
}

impl Screen {
    fn new(mode: Progress) -> Self {
        Self { mode, bars: MultiProgress::new(), lines: BTreeMap::new(), started: None }
    }

    fn event(&mut self, record: &Record, state: &State) {
        let first = *self.started.get_or_insert(record.at);
        let (weight, text) = tell(record, state);
        if weight != Weight::News {
            return;
        }
        let since = (record.at - first).total(jiff::Unit::Second).unwrap_or(0.0);
        let who = record.group.as_deref().unwrap_or("");
        let line = format!("{since:>6.1}s  {who:<14} {text}");
        match self.mode {
            Progress::Terminal => drop(self.bars.println(line)),
            Progress::Plain => {
                use std::io::Write;
                // Nobody is left to tell when standard error is closed.
                drop(writeln!(std::io::stderr(), "{line}"));
            }
            Progress::Quiet => {}
        }
    }

    fn groups(&mut self, state: &State) {
        if self.mode != Progress::Terminal {
            return;
        }
        for (gid, group) in &state.groups {
            let bars = &self.bars;
            let bar = self.lines.entry(gid.clone()).or_insert_with(|| {
                let style = ProgressStyle::with_template("  {spinner} {prefix:14} {wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner());
                let bar = bars.add(ProgressBar::new_spinner());
                bar.set_style(style);
                bar.set_prefix(gid.clone());
                bar
            });
            bar.set_message(group_line(group, state.usage_by_group.get(gid)));
            if let Phase::Building { .. } = group.phase {
                bar.tick()
            }
        }
    }

    fn end(&mut self) {
        // The events above tell the story; the moving lines have done their work.
        drop(self.bars.clear());
    }
}

/// State, attempt, elapsed, tokens.
fn group_line(group: &GroupState, usage: Option<&crate::session::event::Usage>) -> String {
    let mut text = group.phase.word().to_owned();
    if let Some(attempt) = group.last_attempt() {
        text.push_str(&format!(", attempt {}", attempt.number));
        let end = attempt.finished.as_ref().map_or_else(jiff::Timestamp::now, |f| f.at);
        let seconds = (end - attempt.started).total(jiff::Unit::Second).unwrap_or(0.0);
        text.push_str(&format!(", {}", human_duration(seconds)));
    }
    if let Some(output) = usage.and_then(|u| u.output) {
        text.push_str(&format!(", {output} tokens out"));
    }
    text
}
