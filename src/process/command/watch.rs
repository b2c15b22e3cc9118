//! What a wait looks at besides the child itself.

use std::time::{Duration, Instant};

use crate::process::countdown::Countdown;
use crate::process::interrupt::Leaving;
use crate::process::sandbox::Gauge;
use crate::process::signal;

pub(super) struct Watch {
    pub time: Countdown,
    /// Since we were asked to stop.
    pub stop_at: Option<Instant>,
    pub leaving: Leaving,
    pub gauge: Option<Gauge>,
}

impl Watch {
    /// How long it may take to leave after SIGTERM.
    pub fn grace(&self) -> Duration {
        if self.leaving.why().is_some() { signal::SECOND_GRACE } else { signal::GRACE }
    }
}
