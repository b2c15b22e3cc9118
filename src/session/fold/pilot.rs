//! What the pilot's decisions do. It only ever reaches groups that have failed or that an audit
//! found fault with: what passes, and what is finished, is not its to move (I8, I9).

use std::sync::Arc;

use super::super::event::{Course, Decision, Invalid, PilotAsked, PilotDecided, Way};
use super::super::state::{Decided, GroupState, Phase, PilotCall, State};

impl State {
    pub(super) fn pilot_asked(&mut self, e: &PilotAsked) {
        self.pilot.push(PilotCall {
            boundary: e.boundary.clone(),
            after: e.after,
            number: e.number,
            provider: e.provider.clone(),
            decided: None,
        });
    }

    pub(super) fn pilot_decided(&mut self, e: &PilotDecided) {
        let open = self.pilot.iter_mut().rev();
        let Some(call) = { open }.find(|c| c.boundary == e.boundary && c.decided.is_none()) else {
            // Nobody asked, or it was answered: one answer counts.
            return;
        };
        call.decided = Some(Decided {
            accepted: e.accepted.clone(),
            dropped: e.dropped.len(),
            error: e.error.clone(),
        });
        self.steer(&e.accepted);
    }

    fn steer(&mut self, decision: &Decision) {
        if !decision.batches.is_empty() {
            self.batches = decision.batches.clone();
        }
        for (gid, plan) in &decision.groups {
            if let Some(group) = self.groups.get_mut(gid) {
                Arc::make_mut(group).steered(plan.strategy);
            }
        }
    }

    /// The run is over: what it was told about its course holds for no other.
    pub(super) fn forget_course(&mut self) {
        self.batches = Vec::new();
        for group in self.groups.values_mut().filter(|g| g.course.is_some()) {
            Arc::make_mut(group).course = None;
        }
    }
}

impl GroupState {
    fn steered(&mut self, course: Course) {
        self.course = Some(course);
        let Some(way) = course.way() else { return };
        if !matches!(self.phase, Phase::Failed { .. }) || self.repair.is_some() {
            return;
        }
        let last = self.attempts.last().and_then(|a| a.finished.as_ref());
        let brief = last.map(|f| f.brief.clone()).unwrap_or_default();
        self.phase = Phase::Invalidated { reason: Invalid::Pilot, brief };
        self.taken_up += 1;
        self.judged_from = self.attempts.len();
        if way == Way::RetryDifferent {
            self.set_aside = self.attempts.len();
            if let Phase::Invalidated { brief, .. } = &mut self.phase
                && !brief.is_empty()
            {
                let before = "An earlier attempt, which is not in this folder, failed like this:";
                *brief = format!("{before}\n\n{brief}");
            }
        }
    }
}
