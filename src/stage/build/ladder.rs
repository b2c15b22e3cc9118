//! How an attempt takes up what its agent knows already: the same conversation, else a copy of it,
//! else a fresh one that is told everything. Each rung is tried once, so a conversation that cannot
//! be resumed costs two calls and never a loop. Values in, values out.

use crate::agent::ErrorClass;
use crate::base::Sha256;
use crate::session::config::Role;
use crate::session::event::{Conversation, Rung};
use crate::session::state::GroupState;

/// The conversation of this provider that the group's last attempt in this role left, where what it
/// was told still holds: the same spec, and, for a repair and for a conflict, the same one.
pub fn last_talk(
    group: &GroupState,
    role: Role,
    provider: &str,
    spec: &Sha256,
) -> Option<Conversation> {
    let round = match role {
        Role::Fix | Role::Merge => group.tries as usize,
        _ => usize::MAX,
    };
    let kept = group.attempts.get(group.set_aside..).unwrap_or_default();
    let mine = kept.iter().rev().take(round).filter(|a| a.role == role.word());
    let (attempt, last) = mine.filter_map(|a| Some((a, a.finished.as_ref()?))).next()?;
    // What no longer fits into its memory does not fit in a copy either.
    let full = last.turn.contains(ErrorClass::ContextLength.word());
    let holds = attempt.spec == *spec && !full;
    last.conversation.clone().filter(|talk| talk.provider == provider && holds)
}

/// The rung below, after a turn in which the agent did nothing at all and failed so.
pub fn below(rung: Rung, failed: ErrorClass) -> Option<Rung> {
    let of_the_conversation = match failed {
        ErrorClass::BadRequest | ErrorClass::Unknown => true,
        ErrorClass::ContextLength => return (rung != Rung::Fresh).then_some(Rung::Fresh),
        // Nothing of that is mended by another conversation.
        ErrorClass::Auth
        | ErrorClass::Quota
        | ErrorClass::RateLimit
        | ErrorClass::Overloaded
        | ErrorClass::Network
        | ErrorClass::Refused
        | ErrorClass::MissingTool
        | ErrorClass::Interrupted => false,
    };
    match rung {
        Rung::Resumed if of_the_conversation => Some(Rung::Forked),
        Rung::Forked if of_the_conversation => Some(Rung::Fresh),
        Rung::Resumed | Rung::Forked | Rung::Fresh => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_below_whatever_happens() {
        for class in [ErrorClass::BadRequest, ErrorClass::Unknown, ErrorClass::ContextLength] {
            let mut rung = Rung::Resumed;
            let mut tried = 1;
            while let Some(next) = below(rung, class) {
                rung = next;
                tried += 1;
            }
            assert_eq!(rung, Rung::Fresh);
            assert!(tried <= 3, "{class:?}");
        }
        assert_eq!(below(Rung::Resumed, ErrorClass::Auth), None);
        assert_eq!(below(Rung::Fresh, ErrorClass::Unknown), None);
    }
}
