//! What a ref of ours and the journal amount to after a kill, a power cut or a person. Values in,
//! values out.
//!
//! Refs are not synced, and the journal is: after a power cut a ref may be back at any earlier
//! place. Under the same boot it was a person who put it there, and that is left alone.

use crate::git::Oid;
use crate::session::state::{GroupState, RunState, State};

/// What to do with the integration ref; done again until it [`Settle::Agrees`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// It is where the journal says: at this tip.
    Agrees(Oid),
    /// A landing was announced: move the ref on from here, where it is not there yet, and record it.
    Complete { from: Option<Oid> },
    /// A landing was announced and cannot be any more: take the announcement back.
    Refuse,
    /// The ref was lost: make it again.
    Restore { from: Option<Oid>, to: Oid },
    /// Somebody moved it; a person decides.
    MovedByHand { recorded: Oid, found: Option<Oid> },
}

/// `found` is where the ref is, `boot` the machine's boot id now, `has` whether an object is there,
/// `base` the session's.
pub fn settle(
    state: &State,
    base: Oid,
    found: Option<Oid>,
    boot: Option<&str>,
    has: impl Fn(Oid) -> bool,
) -> Settle {
    if let Some(open) = &state.open_landing {
        let intent = &open.intent;
        if found == Some(intent.new) && has(intent.new) {
            return Settle::Complete { from: found };
        }
        // The object of an unsynced landing may be gone after a power cut; then nothing moved and
        // the group is still passing, so its landing is simply made again.
        if !has(intent.new) || matches!(state.run, RunState::Aborted { .. }) {
            return Settle::Refuse;
        }
        let rebooted = is_of_another_boot(intent.boot.as_deref(), boot);
        let as_announced = found.is_none() || found == Some(intent.old);
        return match as_announced || (rebooted && is_back(state, found, boot)) {
            true => Settle::Complete { from: found },
            false => Settle::MovedByHand { recorded: intent.old, found },
        };
    }
    let Some(last) = state.landings.last() else {
        return match found {
            None => Settle::Agrees(base),
            Some(_) => Settle::MovedByHand { recorded: base, found },
        };
    };
    if found == Some(last.new) {
        return Settle::Agrees(last.new);
    }
    let lost = found.is_none() || is_back(state, found, boot);
    match lost && has(last.new) {
        true => Settle::Restore { from: found, to: last.new },
        false => Settle::MovedByHand { recorded: last.new, found },
    }
}

/// The ref is where it was before landings that were all made before the machine went down.
fn is_back(state: &State, found: Option<Oid>, boot: Option<&str>) -> bool {
    let at = state.landings.iter().position(|l| Some(l.old) == found);
    let since = at.map(|at| &state.landings[at..]).unwrap_or_default();
    !since.is_empty() && since.iter().all(|l| is_of_another_boot(l.boot.as_deref(), boot))
}

fn is_of_another_boot(then: Option<&str>, now: Option<&str>) -> bool {
    then.is_some() && now.is_some() && then != now
}

/// What to do about a group's branch before its head is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    Agrees,
    /// It was lost: make it again at the head.
    Restore {
        from: Option<Oid>,
    },
    /// Somebody moved it; a person decides.
    MovedByHand {
        found: Option<Oid>,
    },
}

/// `head` is what the journal says, `found` where the branch is.
pub fn branch(
    group: &GroupState,
    head: Oid,
    found: Option<Oid>,
    boot: Option<&str>,
    has: impl Fn(Oid) -> bool,
) -> Branch {
    if found == Some(head) {
        return Branch::Agrees;
    }
    // An attempt's commit has those before it among its parents, so going on from one loses none.
    let ends = || group.attempts.iter().filter_map(|a| a.finished.as_ref());
    let at = ends().position(|end| end.commit.is_some() && end.commit == found);
    let is_back = at.is_some_and(|at| {
        let mut since = ends().skip(at + 1).filter(|end| end.commit.is_some()).peekable();
        since.peek().is_some() && since.all(|end| is_of_another_boot(end.boot.as_deref(), boot))
    });
    match (found.is_none() || is_back) && has(head) {
        true => Branch::Restore { from: found },
        false => Branch::MovedByHand { found },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::session::event::MergeStarted;
    use crate::session::state::{Landing, OpenLanding};

    fn oid(n: u8) -> Oid {
        format!("{n:02x}").repeat(20).parse().expect("an id")
    }

    /// Landings 1→2→3…, each made under the boot that is named.
    fn landed(boots: &[Option<&str>]) -> State {
        let mut state = State { base: Some(oid(1)), ..State::default() };
        for (n, boot) in boots.iter().enumerate() {
            state.landings.push(Landing {
                group: format!("g{n}"),
                attempt: Some(1),
                old: oid(n as u8 + 1),
                new: oid(n as u8 + 2),
                tested_commit: oid(90),
                tree: oid(91),
                head: oid(92),
                at: jiff::Timestamp::UNIX_EPOCH,
                boot: boot.map(str::to_owned),
            });
        }
        state
    }

    fn announce(state: &mut State, boot: Option<&str>) {
        let intent = MergeStarted {
            old: state.tip().expect("a tip"),
            new: oid(50),
            tested_commit: oid(90),
            tree: oid(91),
            head: oid(92),
            boot: boot.map(str::to_owned),
        };
        let at = jiff::Timestamp::UNIX_EPOCH;
        state.open_landing = Some(OpenLanding { group: "g".into(), attempt: None, intent, at });
    }

    fn ask(state: &State, found: Option<u8>) -> Settle {
        settle(state, oid(1), found.map(oid), Some("now"), |_| true)
    }

    #[test]
    fn a_ref_that_went_back_several_landings_with_the_power_is_made_again() {
        let state = landed(&[Some("then"), Some("then"), Some("then")]);
        for back in [1, 2, 3] {
            let to = Settle::Restore { from: Some(oid(back)), to: oid(4) };
            assert_eq!(ask(&state, Some(back)), to);
        }
        assert_eq!(ask(&state, None), Settle::Restore { from: None, to: oid(4) });
        assert_eq!(ask(&state, Some(4)), Settle::Agrees(oid(4)));
    }

    #[test]
    fn under_the_same_boot_it_was_a_person() {
        let state = landed(&[Some("then"), Some("now")]);
        for found in [1, 2, 77] {
            let by_hand = Settle::MovedByHand { recorded: oid(3), found: Some(oid(found)) };
            assert_eq!(ask(&state, Some(found)), by_hand);
        }
        // A person's own commits are not made again behind their back either.
        let state = landed(&[None, Some("then")]);
        assert!(matches!(ask(&state, Some(1)), Settle::MovedByHand { .. }));
    }

    #[test]
    fn an_announced_landing_is_completed_refused_or_left_to_a_person() {
        let mut state = landed(&[Some("then"), Some("then")]);
        announce(&mut state, Some("then"));
        for found in [Some(50), Some(3), Some(2), Some(1), None] {
            assert_eq!(ask(&state, found), Settle::Complete { from: found.map(oid) });
        }
        assert!(matches!(ask(&state, Some(77)), Settle::MovedByHand { .. }));
        assert_eq!(settle(&state, oid(1), Some(oid(3)), Some("now"), |_| false), Settle::Refuse);
        announce(&mut state, Some("now"));
        assert!(matches!(ask(&state, Some(2)), Settle::MovedByHand { .. }));
        state.run = RunState::Aborted { reason: "no".into() };
        assert_eq!(ask(&state, Some(3)), Settle::Refuse, "nothing lands after an abort");
        assert_eq!(ask(&state, Some(50)), Settle::Complete { from: Some(oid(50)) });
    }

    #[test]
    fn a_branch_goes_on_only_from_what_an_attempt_left() {
        use crate::session::event::AttemptFinished;
        use crate::session::event::AttemptStarted;
        use crate::session::journal::Record;
        let mut state = State::default();
        for n in 1..=3u8 {
            let started = AttemptStarted {
                role: "build".into(),
                base: oid(1),
                dep_heads: Default::default(),
                start: oid(1),
                provider: "command".into(),
                model: None,
                spec: crate::base::Sha256::ZERO,
            };
            let mut end = AttemptFinished::interrupted();
            (end.commit, end.boot) = (Some(oid(n + 10)), Some("then".into()));
            for event in [started.into(), end.into()] {
                state.apply(&Record {
                    seq: 1,
                    at: jiff::Timestamp::UNIX_EPOCH,
                    group: Some("g".into()),
                    attempt: Some(n.into()),
                    actor: "a test".into(),
                    event,
                    hash: crate::base::Sha256::ZERO,
                });
            }
        }
        let group = state.group("g").expect("it was built");
        let ask =
            |found: Option<u8>, boot| branch(group, oid(13), found.map(oid), Some(boot), |_| true);
        assert_eq!(ask(Some(13), "now"), Branch::Agrees);
        assert_eq!(ask(None, "then"), Branch::Restore { from: None });
        assert_eq!(ask(Some(11), "now"), Branch::Restore { from: Some(oid(11)) });
        assert_eq!(ask(Some(11), "then"), Branch::MovedByHand { found: Some(oid(11)) });
        assert_eq!(ask(Some(77), "now"), Branch::MovedByHand { found: Some(oid(77)) });
    }

    proptest! {
        /// A place that the journal never named is a person's, whatever else happened; and what is
        /// done leads to agreement.
        #[test]
        fn a_place_that_nobody_recorded_is_never_overwritten(
            boots in proptest::collection::vec(0..3usize, 0..5), open in any::<bool>(),
            found in 1u8..9, there in any::<bool>(), ended in any::<bool>(),
        ) {
            let names = [None, Some("then"), Some("now")];
            let boots: Vec<_> = boots.into_iter().map(|b| names[b]).collect();
            let mut state = landed(&boots);
            if open {
                announce(&mut state, Some("then"));
            }
            if ended {
                state.run = RunState::Aborted { reason: String::new() };
            }
            let known = u8::try_from(boots.len()).expect("few") + 1;
            match settle(&state, oid(1), Some(oid(found)), Some("now"), |_| there) {
                Settle::Complete { from } | Settle::Restore { from, .. } => {
                    prop_assert!(from == Some(oid(found)) && found <= known && there);
                }
                Settle::Agrees(tip) => prop_assert!(tip == oid(found) && !open),
                Settle::Refuse => prop_assert!(open && (!there || ended)),
                Settle::MovedByHand { .. } => prop_assert!(found != known || boots.is_empty()),
            }
        }
    }
}
