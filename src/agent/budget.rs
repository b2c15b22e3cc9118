//! One deadline (I10): every timeout is what is left of the run, minus a reserve in which what was
//! built can still be verified and landed.

use std::time::Duration;

use jiff::Timestamp;

use crate::base::clock::Clock;
use crate::base::{Error, Result};

/// The variable by which a run gives its deadline to its steps.
pub const DEADLINE_VAR: &str = "OTTO_DEADLINE";

/// The end of the budget.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(pub Timestamp);

impl Deadline {
    /// The run's deadline when a run started this step, else the budget counted from now.
    pub fn of_step(clock: &Clock, budget_seconds: u64) -> Self {
        let given = std::env::var(DEADLINE_VAR).ok().and_then(|s| s.parse().ok());
        Self(given.unwrap_or_else(|| after(clock.now(), budget_seconds)))
    }

    /// What is left; zero when it has passed.
    pub fn left(&self, now: Timestamp) -> Duration {
        Duration::try_from(self.0 - now).unwrap_or(Duration::ZERO)
    }

    /// For an agent's turn: what is left, minus a tenth (at most two minutes) for verifying and
    /// landing what it made.
    pub fn left_for_turn(&self, now: Timestamp) -> Duration {
        let left = self.left(now);
        left.saturating_sub((left / 10).min(Duration::from_secs(120)))
    }

    /// Fails with 77 when nothing is left: more budget is a person's decision.
    pub fn check(&self, now: Timestamp, session: &str) -> Result<()> {
        if self.left(now) > Duration::ZERO {
            return Ok(());
        }
        Err(Error::person("the time budget of the run is spent").hint(format!(
            "nothing is lost; go on with more: otto run --resume {session} --budget-seconds 3600"
        )))
    }
}

fn after(now: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX / 4);
    now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
