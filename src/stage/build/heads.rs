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
