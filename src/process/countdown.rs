//! A time limit that runs only while somebody looks: after a suspended machine, a SIGSTOP or a
//! frozen container a child has had no more time than this process had. Monotonic, so that a clock
//! that is set changes nothing.

use std::time::{Duration, Instant};

/// More than this between two looks was no time in which anybody worked.
const LONGEST_TICK: Duration = Duration::from_secs(1);

/// Has to be asked several times a second.
#[derive(Debug)]
pub(super) struct Countdown {
    left: Option<Duration>,
    last: Instant,
}

impl Countdown {
    /// `None` never ends.
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self { left: limit, last: Instant::now() }
    }

    pub(super) fn is_over(&mut self) -> bool {
        self.is_over_at(Instant::now())
    }

    fn is_over_at(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.last).min(LONGEST_TICK);
        self.last = now;
        self.left = self.left.map(|left| left.saturating_sub(since));
        self.left.is_some_and(|left| left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_counted_only_while_somebody_looks() {
        let mut time = Countdown::new(Some(Duration::from_millis(2500)));
        let mut at = time.last;
        let mut look = |ms: u64| {
            at += Duration::from_millis(ms);
            time.is_over_at(at)
        };
        assert!(!look(500));
        // A minute in which this process was stopped counts as one second.
        assert!(!look(60_000));
        assert!(!look(999));
        assert!(look(1));
        assert!(!Countdown::new(None).is_over());
    }
}
