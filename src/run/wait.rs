//! Waiting for a limit to reset. The wake-up itself is a record in the journal: a kill forgets
//! nothing, `otto status` shows it, and a person changes it with `otto wake`. Waiting uses up none
//! of the run's time; `patience_seconds` bounds it.

use std::time::Duration;

use jiff::Timestamp;

use super::wake::woken;
use crate::base::clock::monotonic;
use crate::base::{Error, Result};
use crate::process::stop;
use crate::session::state::RunState;
use crate::session::{Session, State, Workspace};

/// How often the journal is looked at: a person may have changed their mind.
const LOOK: Duration = Duration::from_millis(200);

/// What the two clocks may be apart without anybody having set one.
const SLACK: Duration = Duration::from_secs(1);

/// What is left of a run's patience.
#[derive(Debug)]
pub(super) struct Patience(Duration);

impl Patience {
    pub fn new(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Waits until the time of `later` has come, or somebody is free before. Returns how long that
    /// took; the error itself where it is no matter of waiting, or of waiting too long.
    pub fn wait(&mut self, ws: &Workspace, session: &Session, later: Error) -> Result<Duration> {
        // Only a wake-up has a time; whoever holds a lock has none.
        let Some(until) = later.retry_at() else { return Err(later) };
        let ahead = Duration::try_from(until - ws.clock.now()).unwrap_or(Duration::ZERO);
        if ahead > self.0 {
            return Err(later);
        }
        tracing::info!("waiting until {until}");
        let began = monotonic();
        let waited = loop {
            let waited = monotonic().saturating_sub(began);
            if next(&session.state()?, until, ws.clock.now())? == Next::GoOn {
                break waited;
            }
            if waited > ahead + SLACK {
                set_back(ws, session, until)?;
                break waited;
            }
            stop::check()?;
            std::thread::sleep(LOOK);
        };
        self.0 = self.0.saturating_sub(waited);
        Ok(waited)
    }
}

/// The time has come, and the machine's clock says otherwise because somebody has set it back: the
/// wait is over all the same, or it would last as long as the clock was set back.
fn set_back(ws: &Workspace, session: &Session, until: Timestamp) -> Result<()> {
    session.append_with(ws, |state| {
        let due = state.waits.iter().filter(|(_, w)| w.until <= until);
        Ok(due.map(|(provider, _)| woken(provider, "a clock that nobody sets")).collect())
    })?;
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Wait,
    GoOn,
}

/// Fails (77) when a person cancelled the wake-up.
fn next(state: &State, until: Timestamp, now: Timestamp) -> Result<Next> {
    match &state.run {
        RunState::Paused { reason } => return Err(Error::person(reason.clone())),
        RunState::Aborted { reason } => {
            return Err(Error::no(format!("the session was aborted: {reason}")));
        }
        RunState::Open | RunState::Finished { .. } => {}
    }
    // Woken by a person: whoever that was is asked again at once.
    let still = state.waits.values().any(|w| w.until >= until);
    Ok(if still && now < until { Next::Wait } else { Next::GoOn })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::state::Waiting;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("an instant")
    }

    #[test]
    fn it_ends_at_its_time_and_when_a_person_says_so() {
        let mut state = State::default();
        state.waits.insert("a".into(), Waiting { until: at(10), class: "quota".into(), seq: 1 });
        assert_eq!(next(&state, at(10), at(5)).expect("open"), Next::Wait);
        assert_eq!(next(&state, at(10), at(10)).expect("open"), Next::GoOn);
        state.waits.clear();
        assert_eq!(next(&state, at(10), at(5)).expect("open"), Next::GoOn);
        state.run = RunState::Paused { reason: "cancelled".into() };
        let cancelled = next(&state, at(10), at(5)).expect_err("cancelled");
        assert_eq!(cancelled.exit(), crate::base::Exit::PERSON);
    }
}
