//! Whose the head of a build branch is. Values in, values out.

use super::manual::MANUAL;
use crate::git::Oid;
use crate::session::state::{GroupState, State};

/// A head that is no person's, or that nobody has to judge any more: an attempt's, or of a group
/// that is finished.
pub fn is_known(state: &State, gid: &str, head: Oid) -> bool {
    state.group(gid).is_some_and(|g| {
        // An open attempt may have moved the branch a moment before it was stopped.
        let is_open = g.open_attempt().is_some_and(|a| a.role != MANUAL);
        g.phase.is_terminal() || is_open || is_recorded(g, head)
    })
}

/// An attempt of the group ended with this commit.
pub fn is_recorded(group: &GroupState, commit: Oid) -> bool {
    commits(group).any(|c| c == commit)
}

/// Where the journal says that the group's branch is.
pub fn recorded_head(group: &GroupState) -> Option<Oid> {
    commits(group).next_back()
}

fn commits(group: &GroupState) -> impl DoubleEndedIterator<Item = Oid> + '_ {
    group.attempts.iter().filter_map(|a| a.finished.as_ref()?.commit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Sha256;
    use crate::session::event::{AttemptFinished, AttemptStarted, Event, GroupAborted};
    use crate::session::journal::Record;

    fn oid(n: u8) -> Oid {
        format!("{n:02x}").repeat(20).parse().expect("an id")
    }

    fn apply(state: &mut State, attempt: u32, event: impl Into<Event>) {
        state.apply(&Record {
            seq: 1,
            at: jiff::Timestamp::UNIX_EPOCH,
            group: Some("g".into()),
            attempt: Some(attempt),
            actor: "a test".into(),
            event: event.into(),
            hash: Sha256::ZERO,
        });
    }

    fn start(state: &mut State, attempt: u32, role: &str) {
        let started = AttemptStarted {
            role: role.into(),
            base: oid(1),
            dep_heads: Default::default(),
            start: oid(1),
            provider: "command".into(),
            model: None,
            spec: Sha256::ZERO,
        };
        apply(state, attempt, started);
    }

    #[test]
    fn a_head_is_a_persons_unless_an_attempt_made_it_or_may_have() {
        let mut state = State::default();
        assert!(!is_known(&state, "g", oid(7)));
        start(&mut state, 1, "build");
        assert!(is_known(&state, "g", oid(7)), "it may be the open attempt's");
        let end = AttemptFinished { commit: Some(oid(6)), ..AttemptFinished::interrupted() };
        apply(&mut state, 1, end);
        assert!(is_known(&state, "g", oid(6)) && !is_known(&state, "g", oid(7)));
        assert_eq!(state.group("g").and_then(recorded_head), Some(oid(6)));
        start(&mut state, 2, MANUAL);
        assert!(!is_known(&state, "g", oid(7)), "judging one commit by hand explains no other");
        apply(&mut state, 2, GroupAborted { reason: "no".into() });
        assert!(is_known(&state, "g", oid(7)), "nobody has to judge it any more");
    }
}
