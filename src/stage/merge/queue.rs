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
                ..
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::state::GroupState;
    use crate::spec::sample;

    #[test]
    fn a_group_goes_back_a_bounded_number_of_times() {
        let mut state = State::default();
        assert_eq!(back_or_up(&state, "g", 2), Next::Back);
        let mut given_up = 0;
        for sent_back in 0..5 {
            state
                .groups
                .insert("g".into(), GroupState { sent_back, ..GroupState::default() }.into());
            given_up += u32::from(back_or_up(&state, "g", 2) == Next::GiveUp(sent_back));
        }
        assert_eq!(given_up, 3);
        assert_eq!(back_or_up(&State::default(), "g", 0), Next::GiveUp(0));
    }

    #[test]
    fn only_what_the_queue_sent_back_is_called() {
        let spec = sample::good();
        let gid = spec.groups[0].id.clone();
        for (reason, called) in [
            (Invalid::Conflict, true),
            (Invalid::RedCandidate, true),
            (Invalid::SpecChanged, false),
            (Invalid::Again, false),
        ] {
            let mut state = State::default();
            let phase = Phase::Invalidated { reason, brief: "why".into(), judge_first: false };
            let group = GroupState { phase, sent_back: 1, ..GroupState::default() };
            state.groups.insert(gid.clone(), group.into());
            let to_call = to_call(&spec, &state);
            assert_eq!(to_call.len(), usize::from(called), "{reason:?}");
            assert!(to_call.iter().all(|c| *c == (gid.as_str(), 1, "why".into())));
        }
    }

    #[test]
    fn nothing_is_eligible_in_a_session_that_was_ended() {
        let spec = sample::good();
        let mut state = State::default();
        let oid = crate::git::Oid::NULL;
        for group in &spec.groups {
            let phase = Phase::Passing { commit: oid, tree: oid, base: oid };
            state
                .groups
                .insert(group.id.clone(), GroupState { phase, ..GroupState::default() }.into());
        }
        assert!(!eligible(&spec, &state).is_empty());
        state.run = RunState::Aborted { reason: "no".into() };
        assert!(eligible(&spec, &state).is_empty());
    }
}
