//! How long somebody worked on the session. What lies between a run's end, or its kill, and the
//! resume of it is nobody's work, and neither is the time that a spec waited for a person.

use jiff::Timestamp;

use crate::session::event::Event;
use crate::session::journal::Record;
use crate::session::state::{RunState, State};

impl State {
    /// Counts the time before `record`, whose effects are not in the state yet.
    pub(super) fn worked_until(&mut self, record: &Record) {
        let at_rest = self.run != RunState::Open
            || matches!(
                record.event,
                Event::RunResumed(_)
                    | Event::SpecApproved(_)
                    | Event::SpecRejected(_)
                    | Event::SpecEdited(_)
                    | Event::LandStarted(_)
                    | Event::LandRefused(_)
            );
        let since = |before: Timestamp| record.at.duration_since(before).as_secs_f64();
        // A clock that was set back takes nothing away.
        self.worked_s += self.last_at.filter(|_| !at_rest).map_or(0.0, since).max(0.0);
    }
}
