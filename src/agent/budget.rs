//! One deadline (I10): every timeout is what is left of the run, minus a reserve in which what was
//! built can still be verified and landed. It is an instant of the machine's monotonic clock, so
//! that a run neither ends early nor goes on for ever when somebody sets the time.

use std::time::Duration;

use crate::base::clock::monotonic;
use crate::base::{Error, Result};

/// The variable by which a run gives its deadline to its steps: seconds of the monotonic clock.
pub const DEADLINE_VAR: &str = "OTTO_DEADLINE";

/// The end of the budget, as [`monotonic`] will say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Duration);

impl Deadline {
    /// The run's deadline when a run started this step, else the budget counted from now.
    pub fn of_step(budget_seconds: u64) -> Self {
        let given = std::env::var(DEADLINE_VAR).ok().and_then(|text| Self::parse(&text));
        given.unwrap_or_else(|| Self::after(Duration::from_secs(budget_seconds)))
    }

    pub fn after(budget: Duration) -> Self {
        Self(monotonic().saturating_add(budget))
    }

    /// Time in which nothing could be done does not count.
    pub fn later_by(self, pause: Duration) -> Self {
        Self(self.0.saturating_add(pause))
    }

    fn parse(text: &str) -> Option<Self> {
        Duration::try_from_secs_f64(text.parse().ok()?).ok().map(Self)
    }

    /// For [`DEADLINE_VAR`].
    pub fn to_text(self) -> String {
        format!("{}.{:09}", self.0.as_secs(), self.0.subsec_nanos())
    }

    /// What is left; zero when it has passed.
    pub fn left(&self) -> Duration {
        self.0.saturating_sub(monotonic())
    }

    /// For an agent's turn: what is left, minus a tenth (at most two minutes) for verifying and
    /// landing what it made.
    pub fn left_for_turn(&self) -> Duration {
        let left = self.left();
        left.saturating_sub((left / 10).min(Duration::from_secs(120)))
    }

    /// Fails with 77 when nothing is left: more budget is a person's decision.
    pub fn check(&self, session: &str) -> Result<()> {
        if self.left() > Duration::ZERO {
            return Ok(());
        }
        Err(self.spent(session))
    }

    /// 77, with what to do.
    pub fn spent(&self, session: &str) -> Error {
        Error::person("the time budget of the run is spent").hint(format!(
            "nothing is lost; go on with more: otto run --resume {session} --budget-seconds 3600"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_handed_on() {
        let deadline = Deadline::after(Duration::from_secs(100));
        let read = Deadline::parse(&deadline.to_text()).expect("a number");
        assert!(read.0.abs_diff(deadline.0) < Duration::from_millis(1));
        assert!(Deadline::after(Duration::MAX).left() > Duration::from_secs(1 << 40));
        assert_eq!(Deadline(Duration::ZERO).left(), Duration::ZERO);
        assert_eq!(Deadline::parse("2026-01-01T00:00:00Z"), None);
    }
}
