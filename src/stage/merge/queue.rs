//! Which group lands next, and which goes back to its builder. Values in, values out.

use crate::session::event::Invalid;
use crate::session::state::{Phase, RunState, State};
use crate::spec::Spec;

/// Passing groups whose dependencies are all in the product, in spec order.
pub fn eligible<'a>(spec: &'a Spec, state: &State) -> Vec<&'a str> {
    // Nothing lands in a session that a person ended.
    let over = matches!(state.run, RunState::Aborted { .. });
    spec.groups
        .iter()
        .filter(|g| !over && matches!(state.phase(&g.id), Phase::Passing { .. }))
        .filter(|g| g.deps.iter().all(|d| state.phase(d).is_in()))
        .map(|g| g.id.as_str())
        .collect()
}

/// Whether every group that lists a feature of `features` is in the product, counting `landing` as
/// in: only then can a check across groups be green.
pub fn features_are_in(spec: &Spec, state: &State, features: &[String], landing: &str) -> bool {
    features.iter().filter_map(|f| spec.feature(f)).all(|f| {
        f.group == landing
            || state.phase(&f.group).is_in()
            || state.group(&f.group).is_some_and(|g| g.landed.is_some())
    })
}

/// Groups that the queue sent back and whose builder may start, with how often they were and what
/// they are to be told; in spec order.
pub fn to_call<'a>(spec: &'a Spec, state: &State) -> Vec<(&'a str, u32, String)> {
    let sent = |g: &'a crate::spec::Group| {
        let now = state.group(&g.id)?;
        let ready = g.deps.iter().all(|d| state.phase(d).satisfies_dependents());
        match &now.phase {
            Phase::Invalidated {
                reason: Invalid::Conflict | Invalid::RedCandidate | Invalid::Violation,
                brief,
            } if ready => Some((g.id.as_str(), now.sent_back, brief.clone())),
            _ => None,
        }
    };
    spec.groups.iter().filter_map(sent).collect()
}

/// What becomes of a group that cannot land as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Back,
    /// It was sent back this often already.
    GiveUp(u32),
}

/// A group is sent back at most `limit` times.
pub fn back_or_up(state: &State, gid: &str, limit: u32) -> Next {
    match state.group(gid).map_or(0, |g| g.sent_back) {
        before if before >= limit => Next::GiveUp(before),
        _ => Next::Back,
    }
}
