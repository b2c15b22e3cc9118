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

/// Where a child is on its way out.
#[derive(Debug, Default)]
pub(super) struct Leaving(Option<(Ended, Instant)>);

impl Leaving {
    /// It has been asked, for this reason, and has this long.
    pub fn begin(&mut self, why: Ended, grace: Duration) {
        self.0 = Some((why, Instant::now() + grace));
    }

    /// Why it was asked; `None`: it was not.
    pub fn why(&self) -> Option<Ended> {
        self.0.map(|(why, _)| why)
    }

    pub fn is_over(&self) -> bool {
        self.0.is_some_and(|(_, until)| Instant::now() >= until)
    }
}
