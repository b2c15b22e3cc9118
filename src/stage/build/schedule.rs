//! What is ready, what is blocked, and whether another attempt is worth it. Values in, values out.

use std::collections::BTreeSet;

use crate::base::Sha256;
use crate::session::event::{AttemptOutcome, Course};
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
        .filter(|g| state.group(&g.id).is_none_or(|s| s.course != Some(Course::Skip)))
        .filter(|g| g.deps.iter().all(|d| state.phase(d).satisfies_dependents()))
        .map(|g| g.id.as_str())
        .collect()
}

/// Those of `ready` that may start by the pilot's batches, in their order: a batch begins when
/// nothing of those before it is running or could run. Groups of no batch wait for nobody.
pub fn in_turn(
    batches: &[Vec<String>],
    running: &BTreeSet<String>,
    mut ready: Vec<String>,
) -> Vec<String> {
    let place = |gid: &String| batches.iter().position(|b| b.contains(gid));
    let first = ready.iter().chain(running).filter_map(place).min();
    ready.retain(|gid| place(gid).is_none_or(|at| Some(at) == first));
    ready
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

/// Times that a group is taken up again after it had failed, at most.
pub const TAKE_UPS: u32 = 2;

/// Whether to try again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Attempt,
    GiveUp(String),
}

/// The limit on attempts, and the no-progress rule: the same failure twice in a row is not tried
/// a third time. Each time that the pilot takes the group up allows one attempt more, and what was
/// the same before says nothing any more.
pub fn next_attempt(group: &GroupState, limit: u32) -> Next {
    let ends = |from: usize| {
        let round = group.attempts.iter().enumerate().rev().take(group.tries as usize);
        round
            .filter(|(n, _)| *n >= from)
            .filter_map(|(_, a)| a.finished.as_ref().map(|f| (f.outcome, f.fingerprint)))
            // A stop says nothing about the work.
            .filter(|(outcome, _)| *outcome != AttemptOutcome::Interrupted)
            .collect::<Vec<(AttemptOutcome, Option<Sha256>)>>()
    };
    let limit = limit + group.taken_up.min(TAKE_UPS);
    if ends(0).len() as u32 >= limit {
        return Next::GiveUp(format!("{limit} attempts without passing"));
    }
    match ends(group.judged_from).as_slice() {
        [(_, Some(a)), (_, Some(b)), ..] if a == b => {
            Next::GiveUp("no progress: the same failure twice in a row".into())
        }
        _ => Next::Attempt,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::git::Oid;
    use crate::session::state::{Attempt, AttemptEnd};
    use crate::spec::sample;

    fn oid(n: u8) -> Oid {
        format!("{n:02x}").repeat(20).parse().expect("an id")
    }

    fn phase(n: usize) -> Phase {
        match n {
            0 => Phase::Pending,
            1 => Phase::Building { attempt: 1 },
            2 => Phase::Passing { commit: oid(1), tree: oid(2), base: oid(3) },
            3 => Phase::Failed { reason: String::new() },
            4 => Phase::Landed,
            5 => Phase::Redundant { held_by: oid(1) },
            6 => Phase::Blocked { by: Vec::new() },
            _ => Phase::Aborted { reason: String::new() },
        }
    }

    /// Groups `g0`… of which each needs some of those before it.
    fn scene(phases: &[usize], needs: &[u8]) -> (Spec, State) {
        let mut spec = sample::good();
        let like = spec.groups[0].clone();
        let ids: Vec<String> = (0..phases.len()).map(|n| format!("g{n}")).collect();
        spec.groups =
            ids.iter().map(|id| crate::spec::Group { id: id.clone(), ..like.clone() }).collect();
        let mut state = State::default();
        for (n, group) in spec.groups.iter_mut().enumerate() {
            group.deps =
                (0..n).filter(|d| needs[n] & (1 << d) != 0).map(|d| ids[d].clone()).collect();
            let phase = phase(phases[n]);
            state
                .groups
                .insert(ids[n].clone(), GroupState { phase, ..GroupState::default() }.into());
        }
        (spec, state)
    }

    fn tried(outcome: AttemptOutcome, fingerprint: u8) -> Attempt {
        let at = jiff::Timestamp::UNIX_EPOCH;
        Attempt {
            number: 1,
            role: "build".into(),
            base: oid(1),
            start: oid(1),
            dep_heads: Default::default(),
            spec: crate::base::Sha256::ZERO,
            provider: "command".into(),
            started: at,
            finished: Some(AttemptEnd {
                at,
                outcome,
                commit: None,
                tree: None,
                files: 0,
                violations: Vec::new(),
                left_out: Vec::new(),
                fingerprint: Some(Sha256::of(&[fingerprint])),
                brief: String::new(),
                turn: String::new(),
                claim: String::new(),
                duration_s: 0.0,
                boot: None,
                conversation: None,
            }),
        }
    }

    #[test]
    fn a_batch_begins_when_the_one_before_is_over() {
        let of = |ids: &[&str]| ids.iter().map(|i| (*i).to_owned()).collect::<Vec<String>>();
        let batches = [of(&["a", "b"]), of(&["c"])];
        let turn = |running: &[&str], ready: &[&str]| {
            in_turn(&batches, &of(running).into_iter().collect(), of(ready))
        };
        assert_eq!(turn(&[], &["c", "a", "x"]), ["a", "x"]);
        assert_eq!(turn(&["b"], &["b", "c"]), ["b"]);
        // What cannot run holds up nobody.
        assert_eq!(turn(&[], &["c"]), ["c"]);
        assert_eq!(turn(&["c"], &["a", "c"]), ["a"], "what came back comes first");
        assert_eq!(in_turn(&[], &BTreeSet::new(), of(&["c", "a"])), ["c", "a"]);
    }

    #[test]
    fn a_group_that_the_pilot_takes_up_has_one_attempt_more() {
        use AttemptOutcome::ChecksFailed;
        let attempts: Vec<Attempt> = (1..=2).map(|_| tried(ChecksFailed, 1)).collect();
        let mut group = GroupState { tries: 2, attempts, ..GroupState::default() };
        assert!(matches!(next_attempt(&group, 2), Next::GiveUp(_)));
        (group.taken_up, group.judged_from) = (1, 2);
        assert_eq!(next_attempt(&group, 2), Next::Attempt);
        group.attempts.push(tried(ChecksFailed, 1));
        group.tries = 3;
        assert!(matches!(next_attempt(&group, 2), Next::GiveUp(_)));
        group.taken_up = 99;
        let limit = 2 + TAKE_UPS as usize;
        group.attempts.extend((3..limit).map(|n| tried(ChecksFailed, n as u8)));
        group.tries = limit as u32;
        assert!(matches!(next_attempt(&group, 2), Next::GiveUp(_)), "and never more than two");
    }

    #[test]
    fn the_same_failure_twice_is_no_progress_and_a_stop_is_no_failure() {
        use AttemptOutcome::{ChecksFailed, Interrupted};
        let group = |attempts: Vec<Attempt>| GroupState {
            tries: attempts.len() as u32,
            attempts,
            ..GroupState::default()
        };
        let red = |n| tried(ChecksFailed, n);
        let stop = || tried(Interrupted, 9);
        assert_eq!(next_attempt(&group(vec![]), 3), Next::Attempt);
        assert_eq!(next_attempt(&group(vec![red(1), red(2)]), 3), Next::Attempt);
        assert_eq!(next_attempt(&group(vec![stop(), stop(), stop(), stop()]), 3), Next::Attempt);
        let twice = group(vec![red(1), stop(), red(1)]);
        assert!(matches!(next_attempt(&twice, 3), Next::GiveUp(why) if why.contains("progress")));
        let often = group(vec![red(1), red(2), red(3)]);
        assert!(matches!(next_attempt(&often, 3), Next::GiveUp(_)));
        // Only the attempts of this round count.
        assert_eq!(next_attempt(&GroupState { tries: 1, ..often }, 3), Next::Attempt);
    }

    proptest! {
        /// A group starts with everything that it needs, and one that cannot is blocked by a group
        /// that ended, directly or not; no group is both.
        #[test]
        fn a_group_is_ready_or_blocked_for_a_reason(
            phases in proptest::collection::vec(0..8usize, 1..7),
            needs in proptest::collection::vec(any::<u8>(), 7),
        ) {
            let (spec, state) = scene(&phases, &needs);
            let (ready, blocked) = (ready(&spec, &state), blocked(&spec, &state));
            let is_ready = |id: &str| ready.contains(&id);
            for group in &spec.groups {
                let open = is_open(&state.phase(&group.id));
                let has_all = group.deps.iter().all(|d| state.phase(d).satisfies_dependents());
                prop_assert_eq!(is_ready(&group.id), open && has_all);
                let by = blocked.iter().find(|(id, _)| *id == group.id).map(|(_, by)| by);
                let ended = |d: &String| {
                    ended_badly(&state.phase(d)) || blocked.iter().any(|(id, _)| id == d)
                };
                prop_assert_eq!(by.is_some(), open && group.deps.iter().any(ended));
                prop_assert!(by.is_none_or(|by| !by.is_empty() && by.iter().all(ended)));
                prop_assert!(by.is_none() || !is_ready(&group.id));
            }
        }

        /// What lands next is passing, with everything that it needs in the product.
        #[test]
        fn only_what_is_passing_on_what_is_in_is_eligible(
            phases in proptest::collection::vec(0..8usize, 1..7),
            needs in proptest::collection::vec(any::<u8>(), 7),
        ) {
            let (spec, state) = scene(&phases, &needs);
            let eligible = crate::stage::merge::queue::eligible(&spec, &state);
            for (n, group) in spec.groups.iter().enumerate() {
                let may = phases[n] == 2 && group.deps.iter().all(|d| state.phase(d).is_in());
                prop_assert_eq!(eligible.contains(&group.id.as_str()), may);
            }
        }
    }
}
