//! A child that is asked to leave: SIGINT to it alone, time to say its last words, and only then
//! the signals that it cannot refuse. Agents end their own tools and report what was spent when
//! they are interrupted, and say nothing when they are terminated.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::Ended;

/// Asks one child to leave, from any thread and at any time, also before it was started.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<Wish>);

#[derive(Debug, Default)]
struct Wish {
    now: AtomicBool,
    at: OnceLock<Instant>,
    at_once: AtomicBool,
}

impl Interrupt {
    /// Cannot be taken back.
    pub fn trip(&self) {
        self.0.now.store(true, Ordering::SeqCst);
    }

    /// The same, a while from now. The first call counts.
    pub fn trip_in(&self, wait: Duration) {
        let at = Instant::now() + wait;
        self.0.at.get_or_init(|| at);
    }

    pub fn is_tripped(&self) -> bool {
        self.0.now.load(Ordering::SeqCst) || self.0.at.get().is_some_and(|at| Instant::now() >= *at)
    }

    /// It has not left although it was asked, and works on: it has no longer than [`SOON`].
    pub fn hurry(&self) {
        self.0.at_once.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_hurried(&self) -> bool {
        self.0.at_once.load(Ordering::SeqCst)
    }
}

/// What a child has that goes on as if it had not been asked.
const SOON: Duration = Duration::from_millis(600);

/// How a child that is talked to is asked to leave in the words of that talk, before any signal:
/// one that is interrupted may leave without the answer that says what was spent.
pub struct Words {
    tell: Box<dyn Fn() + Send>,
    patience: Duration,
    grace: Duration,
}

impl Words {
    /// `tell` says it, and must not block. The child has `patience` to answer, or until its
    /// [`Interrupt`] is tripped; after that it gets SIGINT and `grace` to leave.
    pub fn new(tell: impl Fn() + Send + 'static, patience: Duration, grace: Duration) -> Self {
        Self { tell: Box::new(tell), patience, grace }
    }

    pub(super) fn grace(&self) -> Duration {
        self.grace
    }
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Words").field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// Where a child is on its way out.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    asked: Option<(Ended, Instant, Duration)>,
    only_told: bool,
}

impl Leaving {
    /// It has been sent the signal, for this reason, and has this long.
    pub fn begin(&mut self, why: Ended, grace: Duration) {
        self.asked = Some((why, Instant::now(), grace));
        self.only_told = false;
    }

    /// It is asked in words.
    pub fn tell(&mut self, why: Ended, words: &Words) {
        self.begin(why, words.patience);
        self.only_told = true;
        (words.tell)();
    }

    /// Why it was asked; `None`: it was not.
    pub fn why(&self) -> Option<Ended> {
        self.asked.map(|(why, ..)| why)
    }

    /// It was asked in words, and no signal was sent yet.
    pub fn only_told(&self) -> bool {
        self.only_told
    }

    pub fn is_over(&self, hurried: bool) -> bool {
        self.asked.is_some_and(|(_, asked, grace)| {
            asked.elapsed() >= if hurried { grace.min(SOON) } else { grace }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_works_on_has_less_time_to_leave() {
        let mut leaving = Leaving::default();
        assert!(!leaving.is_over(true));
        leaving.begin(Ended::Stopped, Duration::ZERO);
        assert!(leaving.is_over(false) && leaving.is_over(true));
        let long_ago = Instant::now().checked_sub(SOON).expect("the machine runs that long");
        let asked = Some((Ended::Stopped, long_ago, Duration::from_secs(3600)));
        let leaving = Leaving { asked, only_told: false };
        assert!(leaving.is_over(true) && !leaving.is_over(false));
    }

    #[test]
    fn a_wish_for_later_is_none_yet() {
        let interrupt = Interrupt::default();
        interrupt.trip_in(Duration::from_secs(3600));
        assert!(!interrupt.is_tripped());
        interrupt.trip();
        assert!(interrupt.is_tripped());
        let due = Interrupt::default();
        due.trip_in(Duration::ZERO);
        assert!(due.is_tripped());
    }
}
