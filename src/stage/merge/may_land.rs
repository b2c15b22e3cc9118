//! Whether a tested candidate may be announced now. Values in, values out.
//!
//! Asked under the journal's lock at the moment of the announcement: while it was tested, the
//! group may have been built again, sent back or ended by a person, and so may the session.

use crate::base::Sha256;
use crate::git::Oid;
use crate::session::SYNC;
use crate::session::state::{Phase, RunState, State};
use crate::spec::Spec;

/// Why what was tested is not what may land any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stale {
    /// A person ended the session.
    SessionEnded,
    /// The group is not passing; its phase as a word.
    NotPassing(&'static str),
    /// The group has another head by now.
    OtherHead(Oid),
    /// A group that it needs is not in the product.
    Needs(String),
    /// The candidate was built on another tip.
    OtherTip(Oid),
    /// The spec was amended meanwhile.
    OtherSpec,
    /// A landing of this group was announced before and has to be settled first.
    Announced(String),
}

/// A candidate of `gid` that merges `head` into `tip` may land.
pub fn may_land(
    spec: &Spec,
    state: &State,
    gid: &str,
    tip: Oid,
    head: Oid,
) -> std::result::Result<(), Stale> {
    still(state, gid, head)?;
    if !gid.starts_with(SYNC)
        && let Some(group) = spec.group(gid)
        && let Some(out) = group.deps.iter().find(|d| !state.phase(d).is_in())
    {
        return Err(Stale::Needs(out.clone()));
    }
    if let Some(open) = &state.open_landing {
        return Err(Stale::Announced(open.group.clone()));
    }
    match state.tip() {
        Some(now) if now != tip => Err(Stale::OtherTip(now)),
        Some(_) | None => Ok(()),
    }
}

/// What is about to be recorded was found out by the spec as it is now.
pub fn by_this_spec(state: &State, spec: Sha256) -> std::result::Result<(), Stale> {
    match state.approved() {
        Some(now) if now != spec => Err(Stale::OtherSpec),
        Some(_) | None => Ok(()),
    }
}

/// What was found out about this head of the group still concerns it: whatever is recorded about
/// a merge is asked this first.
pub fn still(state: &State, gid: &str, head: Oid) -> std::result::Result<(), Stale> {
    if matches!(state.run, RunState::Aborted { .. }) {
        return Err(Stale::SessionEnded);
    }
    if gid.starts_with(SYNC) {
        return Ok(());
    }
    match state.phase(gid) {
        Phase::Passing { commit, .. } if commit == head => Ok(()),
        Phase::Passing { commit, .. } => Err(Stale::OtherHead(commit)),
        other => Err(Stale::NotPassing(other.word())),
    }
}

/// Whether a person may end the group now: one whose landing was announced is in the product in a
/// moment, or was a kill ago.
pub fn may_end(state: &State, gid: &str) -> bool {
    state.open_landing.as_ref().is_none_or(|open| open.group != gid)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::session::event::MergeStarted;
    use crate::session::state::{GroupState, OpenLanding};
    use crate::spec::sample;

    fn oid(n: u8) -> Oid {
        format!("{n:02x}").repeat(20).parse().expect("an id")
    }

    /// The sample's second group needs its first.
    fn scene() -> (Spec, State, String, String) {
        let mut spec = sample::good();
        let (first, second) = (spec.groups[0].id.clone(), spec.groups[1].id.clone());
        spec.groups[0].deps = Vec::new();
        spec.groups[1].deps = vec![first.clone()];
        let mut state = State { base: Some(oid(1)), ..State::default() };
        put(&mut state, &first, Phase::Landed);
        put(&mut state, &second, passing(2));
        (spec, state, first, second)
    }

    fn passing(n: u8) -> Phase {
        Phase::Passing { commit: oid(n), tree: oid(9), base: oid(1) }
    }

    fn put(state: &mut State, gid: &str, phase: Phase) {
        state.groups.insert(gid.into(), GroupState { phase, ..GroupState::default() }.into());
    }

    fn open(state: &mut State, gid: &str) {
        let intent = MergeStarted {
            old: oid(1),
            new: oid(8),
            tested_commit: oid(7),
            tree: oid(9),
            head: oid(2),
            boot: None,
        };
        let at = jiff::Timestamp::UNIX_EPOCH;
        state.open_landing = Some(OpenLanding { group: gid.into(), attempt: None, intent, at });
    }

    #[test]
    fn what_was_tested_and_did_not_change_may_land() {
        let (spec, state, _, gid) = scene();
        assert_eq!(may_land(&spec, &state, &gid, oid(1), oid(2)), Ok(()));
    }

    #[test]
    fn each_change_meanwhile_has_its_own_reason() {
        let (spec, good, first, gid) = scene();
        let ask = |s: &State| may_land(&spec, s, &gid, oid(1), oid(2));
        let mut s = good.clone();
        s.run = RunState::Aborted { reason: "no".into() };
        assert_eq!(ask(&s), Err(Stale::SessionEnded));
        let mut s = good.clone();
        put(&mut s, &gid, Phase::Failed { reason: "no".into() });
        assert_eq!(ask(&s), Err(Stale::NotPassing("failed")));
        let mut s = good.clone();
        put(&mut s, &gid, passing(3));
        assert_eq!(ask(&s), Err(Stale::OtherHead(oid(3))));
        let mut s = good.clone();
        put(&mut s, &first, passing(4));
        assert_eq!(ask(&s), Err(Stale::Needs(first.clone())));
        let mut s = good.clone();
        s.base = Some(oid(5));
        assert_eq!(ask(&s), Err(Stale::OtherTip(oid(5))));
        let mut s = good;
        open(&mut s, &first);
        assert_eq!(ask(&s), Err(Stale::Announced(first.clone())));
        assert!(!may_end(&s, &first) && may_end(&s, &gid));
    }

    proptest! {
        /// Nothing but this very head, passing, on this very tip, with its dependencies in.
        #[test]
        fn a_yes_means_that_everything_is_as_it_was(
            phase in 0..9usize, dep in 0..9usize, head in 2u8..4, tip in 1u8..3,
            ended in any::<bool>(), announced in any::<bool>(),
        ) {
            let phases = [
                Phase::Pending, Phase::Building { attempt: 1 }, passing(2),
                Phase::Failed { reason: String::new() }, Phase::Blocked { by: Vec::new() },
                Phase::Invalidated {
                    reason: crate::session::event::Invalid::Again, brief: String::new(),
                    judge_first: false,
                },
                Phase::Landed, Phase::Redundant { held_by: oid(1) },
                Phase::Aborted { reason: String::new() },
            ];
            let (spec, mut state, first, gid) = scene();
            put(&mut state, &gid, phases[phase].clone());
            put(&mut state, &first, phases[dep].clone());
            if ended {
                state.run = RunState::Aborted { reason: String::new() };
            }
            if announced {
                open(&mut state, &first);
            }
            let yes = may_land(&spec, &state, &gid, oid(tip), oid(head)).is_ok();
            let good = phase == 2 && head == 2 && tip == 1 && phases[dep].is_in();
            prop_assert_eq!(yes, good && !ended && !announced);
        }
    }
}
