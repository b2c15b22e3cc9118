//! A child that is asked to leave: SIGINT to it alone, time to say its last words, and only then
//! the signals that it cannot refuse. Agents end their own tools and report what was spent when
//! they are interrupted, and say nothing when they are terminated.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Ended;

/// Asks one child to leave, from any thread and at any time, also before it was started.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Cannot be taken back.
    pub fn trip(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub fn is_tripped(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

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
    asked: Option<(Ended, Instant)>,
    only_told: bool,
}

impl Leaving {
    /// It has been sent the signal, for this reason, and has this long.
    pub fn begin(&mut self, why: Ended, grace: Duration) {
        self.asked = Some((why, Instant::now() + grace));
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
        self.asked.map(|(why, _)| why)
    }

    /// It was asked in words, and no signal was sent yet.
    pub fn only_told(&self) -> bool {
        self.only_told
    }

    pub fn is_over(&self) -> bool {
        self.asked.is_some_and(|(_, until)| Instant::now() >= until)
    }
}
