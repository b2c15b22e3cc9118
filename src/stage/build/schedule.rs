//! What is ready, what is blocked, and whether another attempt is worth it. Values in, values out.

use crate::base::Sha256;
use crate::session::event::AttemptOutcome;
use crate::session::state::{GroupState, Phase, State};
use crate::spec::Spec;

/// Groups that may start now: not settled, and every dependency passing or in the product.
/// In spec order.
pub fn ready<'a>(spec: &'a Spec, state: &State) -> Vec<&'a str> {
    spec.groups
        .iter()
        .filter(|g| is_open(&state.phase(&g.id)))
        // What an audit reopened is `otto repair`'s, which knows what was found.
        .filter(|g| state.group(&g.id).is_none_or(|s| s.repair.is_none()))
        .filter(|g| g.deps.iter().all(|d| state.phase(d).satisfies_dependents()))
        .map(|g| g.id.as_str())
        .collect()
}

/// Groups that cannot start because of dependencies that ended without passing, with those.
pub fn blocked<'a>(spec: &'a Spec, state: &State) -> Vec<(&'a str, Vec<String>)> {
    let mut stuck: Vec<(&str, Vec<String>)> = Vec::new();
    // Groups are in any order in the spec; repeat until no dependent of a stuck group is left.
    loop {
        let before = stuck.len();
        for group in &spec.groups {
            if stuck.iter().any(|(id, _)| *id == group.id) || !is_open(&state.phase(&group.id)) {
                continue;
            }
            let by: Vec<String> = group
                .deps
                .iter()
                .filter(|d| ended_badly(&state.phase(d)) || stuck.iter().any(|(id, _)| id == d))
                .cloned()
                .collect();
            if !by.is_empty() {
                stuck.push((&group.id, by));
            }
        }
        if stuck.len() == before {
            return stuck;
        }
    }
}

/// Work for a builder is left.
fn is_open(phase: &Phase) -> bool {
    match phase {
        Phase::Pending
        | Phase::Invalidated { .. }
        | Phase::Building { .. }
        | Phase::Blocked { .. } => true,
        Phase::Passing { .. }
        | Phase::Failed { .. }
        | Phase::Landed
        | Phase::Redundant { .. }
        | Phase::Aborted { .. } => false,
    }
}

fn ended_badly(phase: &Phase) -> bool {
    match phase {
        Phase::Failed { .. } | Phase::Aborted { .. } => true,
        Phase::Pending
        | Phase::Building { .. }
        | Phase::Passing { .. }
        | Phase::Blocked { .. }
        | Phase::Invalidated { .. }
        | Phase::Landed
        | Phase::Redundant { .. } => false,
    }
}

/// Whether to try again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Attempt,
    GiveUp(String),
}

/// The limit on attempts, and the no-progress rule: the same failure twice in a row is not tried
/// a third time.
pub fn next_attempt(group: &GroupState, limit: u32) -> Next {
    let ends: Vec<(AttemptOutcome, Option<Sha256>)> = group
        .attempts
        .iter()
        .rev()
        .take(group.tries as usize)
        .filter_map(|a| a.finished.as_ref().map(|f| (f.outcome, f.fingerprint)))
        // A stop says nothing about the work.
        .filter(|(outcome, _)| *outcome != AttemptOutcome::Interrupted)
        .collect();
    if ends.len() as u32 >= limit {
        return Next::GiveUp(format!("{limit} attempts without passing"));
    }
    match ends.as_slice() {
        [(_, Some(a)), (_, Some(b)), ..] if a == b => {
            Next::GiveUp("no progress: the same failure twice in a row".into())
        }
        _ => Next::Attempt,
    }
}
