//! Where a group stands, and what its next attempt starts from. Values in, values out.

use std::collections::BTreeMap;

use super::group::Again;
use super::manual::MANUAL;
use crate::git::Oid;
use crate::session::config::Role;
use crate::session::event::{AttemptOutcome, Invalid};
use crate::session::state::{Attempt, GroupState, Phase};

/// What a builder finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    Passing {
        commit: Oid,
    },
    Failed {
        reason: String,
    },
    /// Its work is in the product.
    In,
    Aborted {
        reason: String,
    },
    /// It is over, and a person asked for it again: that is recorded first.
    BuildAgain,
    /// Work for a builder is left.
    Open,
}

pub fn stand(phase: &Phase, again: Again) -> Stand {
    match (phase, again) {
        (Phase::Landed | Phase::Redundant { .. }, _) => Stand::In,
        (Phase::Aborted { reason }, _) => Stand::Aborted { reason: reason.clone() },
        (Phase::Passing { .. } | Phase::Failed { .. }, Again::Yes) => Stand::BuildAgain,
        (Phase::Passing { commit, .. }, Again::No) => Stand::Passing { commit: *commit },
        (Phase::Failed { reason }, Again::No) => Stand::Failed { reason: reason.clone() },
        (
            Phase::Pending
            | Phase::Building { .. }
            | Phase::Blocked { .. }
            | Phase::Invalidated { .. },
            _,
        ) => Stand::Open,
    }
}

/// What the next attempt starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// Within one round the base stays, and the work goes on where the last attempt left it.
    LastAttempt { base: Oid, dep_heads: BTreeMap<String, Oid>, start: Oid },
    /// A new base, with the group's earlier work merged in where that goes without a conflict.
    Base { earlier: Option<Oid> },
}

/// The next attempt, as far as the group's own history decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    pub number: u32,
    /// Counted within the role, for the provider.
    pub number_in_role: u32,
    pub role: Role,
    pub from: From,
    /// What the agent is told, unless somebody gives another brief.
    pub told: Option<String>,
}

pub fn course(now: &GroupState) -> Course {
    // A person's commit is judged from where it branched off, which need not have what the group
    // depends on: an agent does not go on from there.
    let set_aside = now.set_aside.max(now.attempts.len().saturating_sub(now.tries as usize));
    let round = now.attempts.iter().skip(set_aside).rev();
    let last = round.into_iter().find(|a| a.role != MANUAL);
    let role = match (&now.phase, &now.repair, last) {
        (_, Some(_), _) => Role::Fix,
        (_, None, Some(last)) if last.role == Role::Merge.word() => Role::Merge,
        (Phase::Invalidated { reason: Invalid::Conflict, .. }, None, _) => Role::Merge,
        (_, None, _) => Role::Build,
    };
    let told = match (&now.phase, &now.repair) {
        (Phase::Invalidated { brief, .. }, None) => Some(brief.clone()),
        (_, Some(_)) | (_, None) => None,
    };
    let from = match last {
        Some(last) => From::LastAttempt {
            base: last.base,
            dep_heads: last.dep_heads.clone(),
            start: start_after(last),
        },
        None => From::Base { earlier: earlier_work(now) },
    };
    let in_role = now.attempts.iter().filter(|a| a.role == role.word()).count() as u32;
    Course {
        number: now.next_attempt(),
        number_in_role: in_role + 1,
        role,
        from,
        told: told.or_else(|| last_brief(now)),
    }
}

fn start_after(last: &Attempt) -> Oid {
    last.finished.as_ref().and_then(|f| f.commit).unwrap_or(last.start)
}

/// A conflict is resolved on the product as it is, not on top of what conflicts with it; and what
/// was set aside is not taken up again.
fn earlier_work(now: &GroupState) -> Option<Oid> {
    let conflicts = matches!(now.phase, Phase::Invalidated { reason: Invalid::Conflict, .. });
    if conflicts || (now.set_aside > 0 && now.set_aside == now.attempts.len()) {
        return None;
    }
    super::heads::recorded_head(now)
}

/// A stop that left nothing says nothing about the work: what was wrong before it still is.
fn last_brief(now: &GroupState) -> Option<String> {
    let round = now.attempts.iter().rev().take(now.tries as usize);
    let mut ends = round.filter_map(|a| a.finished.as_ref());
    let judged = ends.find(|f| f.outcome != AttemptOutcome::Interrupted || f.commit.is_some())?;
    Some(judged.brief.clone()).filter(|b| !b.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Sha256;
    use crate::session::event::{AttemptFinished, AttemptStarted, Event, GroupInvalidated};
    use crate::session::journal::Record;
    use crate::session::state::State;

    fn oid(n: u8) -> Oid {
        format!("{n:02x}").repeat(20).parse().expect("an id")
    }

    fn after(events: Vec<(Option<u32>, Event)>) -> GroupState {
        let mut state = State::default();
        for (attempt, event) in events {
            state.apply(&Record {
                seq: 1,
                at: jiff::Timestamp::UNIX_EPOCH,
                group: Some("g".into()),
                attempt,
                actor: "a test".into(),
                event,
                hash: Sha256::ZERO,
            });
        }
        state.group("g").cloned().unwrap_or_default()
    }

    fn tried(n: u32, role: &str, commit: Option<u8>, brief: &str) -> Vec<(Option<u32>, Event)> {
        let started = AttemptStarted {
            role: role.into(),
            base: oid(1),
            dep_heads: BTreeMap::new(),
            start: oid(2),
            provider: "command".into(),
            model: None,
            spec: Sha256::ZERO,
        };
        let mut end = AttemptFinished::interrupted();
        if commit.is_some() {
            end.outcome = AttemptOutcome::ChecksFailed;
        }
        end.commit = commit.map(oid);
        end.brief = brief.into();
        vec![(Some(n), started.into()), (Some(n), end.into())]
    }

    fn sent_back(reason: Invalid) -> Vec<(Option<u32>, Event)> {
        vec![(None, GroupInvalidated { reason, brief: "told".into() }.into())]
    }

    #[test]
    fn a_round_goes_on_where_the_last_attempt_left_it() {
        let one = tried(1, "build", Some(7), "red");
        let next = course(&after(one.clone()));
        let from = |start| From::LastAttempt { base: oid(1), dep_heads: BTreeMap::new(), start };
        assert_eq!((next.number, next.role, next.from), (2, Role::Build, from(oid(7))));
        assert_eq!(next.told.as_deref(), Some("red"));
        // A stop in between changes nothing of that, but nothing was made.
        let stopped = course(&after([one, tried(2, "build", None, "")].concat()));
        assert_eq!((stopped.number, stopped.told.as_deref()), (3, Some("red")));
        assert_eq!(stopped.from, from(oid(2)));
    }

    #[test]
    fn a_conflict_starts_from_the_product_and_anything_else_with_the_earlier_work() {
        for (reason, role, earlier) in [
            (Invalid::Conflict, Role::Merge, None),
            (Invalid::RedCandidate, Role::Build, Some(oid(7))),
            (Invalid::SpecChanged, Role::Build, Some(oid(7))),
            (Invalid::Again, Role::Build, Some(oid(7))),
        ] {
            let events = [tried(1, "build", Some(7), ""), sent_back(reason)].concat();
            let next = course(&after(events));
            assert_eq!((next.role, next.from), (role, From::Base { earlier }), "{reason:?}");
            assert_eq!(next.told.as_deref(), Some("told"));
        }
    }

    #[test]
    fn a_conflict_keeps_its_role_until_it_is_resolved_and_a_repair_has_its_own() {
        let events = [
            tried(1, "build", Some(7), ""),
            sent_back(Invalid::Conflict),
            tried(2, "merge", Some(8), "still red"),
        ]
        .concat();
        let next = course(&after(events));
        assert_eq!((next.role, next.number_in_role), (Role::Merge, 2));
        let mut now = after(tried(1, "merge", Some(7), ""));
        now.repair = Some("key".into());
        assert_eq!(course(&now).role, Role::Fix);
    }

    #[test]
    fn an_agent_never_goes_on_from_where_a_persons_commit_branched_off() {
        let next = course(&after(tried(1, MANUAL, None, "")));
        assert_eq!((next.number, next.from), (2, From::Base { earlier: None }));
        let both = [tried(1, "build", Some(7), "red"), tried(2, MANUAL, None, "")].concat();
        let start = oid(7);
        let from = From::LastAttempt { base: oid(1), dep_heads: BTreeMap::new(), start };
        assert_eq!(course(&after(both)).from, from);
    }

    #[test]
    fn only_a_person_opens_what_is_over() {
        let over = [
            Phase::Passing { commit: oid(1), tree: oid(1), base: oid(1) },
            Phase::Failed { reason: String::new() },
        ];
        for phase in over {
            assert_ne!(stand(&phase, Again::No), Stand::Open);
            assert_eq!(stand(&phase, Again::Yes), Stand::BuildAgain);
        }
        for phase in [Phase::Landed, Phase::Redundant { held_by: oid(1) }] {
            assert_eq!(stand(&phase, Again::Yes), Stand::In);
        }
        let aborted = Phase::Aborted { reason: "no".into() };
        assert_eq!(stand(&aborted, Again::Yes), Stand::Aborted { reason: "no".into() });
    }
}
