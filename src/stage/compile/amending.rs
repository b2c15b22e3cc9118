//! An amendment: one link more in the chain, and what follows for the groups that it touches.
//!
//! Order of a kill: the kept version, then one append (what the groups are told, the link as the
//! last line), then the files that are read. A part of the append tells groups to judge or build
//! again by the spec as it was, which costs work and harms nothing.

use std::collections::BTreeMap;

use super::{keep_intent, next_version};
use crate::base::{Error, Result, Sha256};
use crate::session::event::{GroupInvalidated, Invalid, SpecAmended};
use crate::session::journal::Entry;
use crate::session::state::{Phase, State};
use crate::session::{Session, Workspace, versions};
use crate::spec::{
    Actor, Change, Needs, Problem, Spec, Touched, append, check_change, links, touched,
};

/// Who amends, and why.
#[derive(Debug, Clone, Copy)]
pub struct Amending<'a> {
    pub reason: &'a str,
    pub actor: &'a Actor,
    /// What made it necessary; may be empty.
    pub trigger: &'a str,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The content is the same.
    Unchanged,
    /// Somebody else amended it meanwhile, and nothing was written.
    Raced,
    Amended(Amended),
}

/// An amendment that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amended {
    pub sha256: Sha256,
    pub version: u32,
    /// Every group that it touches, and what happens there.
    pub groups: BTreeMap<String, (Effect, Touched)>,
}

/// What an amendment does to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Its work is judged as it is, and built again only if it is not good any more.
    JudgedAgain,
    BuiltAgain,
    /// It is being built; what comes of that is judged by the new spec.
    JudgedAtItsEnd,
    /// Its work is in the product: the next audit judges it, and has it repaired.
    Audited,
    /// There is no work yet, or there will be none.
    Nothing,
}

impl Effect {
    pub fn words(self) -> &'static str {
        match self {
            Effect::JudgedAgain => "its work is judged again as it is",
            Effect::BuiltAgain => "it is built again",
            Effect::JudgedAtItsEnd => "what is being built is judged by the new spec",
            Effect::Audited => "it is in the product; the next audit judges it",
            Effect::Nothing => "it is built by the new spec",
        }
    }
}

/// What happens to a group in that phase.
pub fn effect(phase: &Phase, needs: Needs) -> Effect {
    match (phase, needs) {
        (Phase::Passing { .. } | Phase::Failed { .. }, Needs::Judging) => Effect::JudgedAgain,
        (
            Phase::Passing { .. }
            | Phase::Failed { .. }
            | Phase::Landed
            | Phase::Redundant { .. }
            | Phase::Building { .. }
            | Phase::Invalidated { judge_first: true, .. },
            Needs::Building,
        ) => Effect::BuiltAgain,
        (Phase::Landed | Phase::Redundant { .. }, Needs::Judging) => Effect::Audited,
        (Phase::Building { .. }, Needs::Judging) => Effect::JudgedAtItsEnd,
        (Phase::Invalidated { judge_first: true, .. }, Needs::Judging) => Effect::JudgedAgain,
        (
            Phase::Pending
            | Phase::Blocked { .. }
            | Phase::Aborted { .. }
            | Phase::Invalidated { judge_first: false, .. },
            _,
        ) => Effect::Nothing,
    }
}

/// Makes `content` the approved spec, if `old` still is. All problems at once (65), and nothing is
/// written.
pub fn amend(
    ws: &Workspace,
    session: &Session,
    old: &Spec,
    content: Spec,
    how: &Amending<'_>,
) -> Result<Outcome> {
    keep_intent(session, &content)?;
    let content = Spec { amendments: old.amendments.clone(), ..content };
    if content.content_hash() == old.content_hash() {
        return Ok(Outcome::Unchanged);
    }
    let new = append(old, content, how.reason, how.actor, ws.clock.now(), how.trigger);
    match check_change(old, &new)? {
        Change::Unchanged => return Ok(Outcome::Unchanged),
        Change::Amended(_) => {}
    }
    let problems = crate::spec::problems(&new);
    if !problems.is_empty() {
        return Err(Problem::error("the amended spec", &problems));
    }
    let (before, after) = (old.content_hash(), new.content_hash());
    let touched = touched(old, &new);
    let file = Some(versions::file_hash(&new));
    let mut outcome = Outcome::Raced;
    let written = next_version(ws, session, &new, |state, version| {
        if state.approved() != Some(before) {
            return Ok(Vec::new());
        }
        keep_begun(session, state, old, &new)?;
        let groups: BTreeMap<String, (Effect, Touched)> = touched
            .into_iter()
            .map(|(gid, t)| {
                let phase = state.phase(&gid);
                (gid, (effect(&phase, t.needs), t))
            })
            .collect();
        let mut entries = told(how, state, &groups);
        let first = first_of(state).unwrap_or(before);
        entries.push(Entry::new(SpecAmended {
            before,
            after,
            reason: how.reason.to_owned(),
            version,
            by: how.actor.to_string(),
            trigger: how.trigger.to_owned(),
            link: links(first, &new.amendments).pop(),
            file,
        }));
        outcome = Outcome::Amended(Amended { sha256: after, version, groups });
        Ok(entries)
    });
    written.map(|()| outcome)
}

fn first_of(state: &State) -> Option<Sha256> {
    use crate::session::state::SpecState;
    match &state.spec {
        SpecState::Approved { first, .. } => Some(*first),
        SpecState::None | SpecState::Compiled { .. } | SpecState::Rejected { .. } => None,
    }
}

/// What the groups are told.
fn told(
    how: &Amending<'_>,
    state: &State,
    groups: &BTreeMap<String, (Effect, Touched)>,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (gid, (effect, touched)) in groups {
        // It waits for that already.
        let waits = matches!(state.phase(gid), Phase::Invalidated { .. });
        let judge_first = match effect {
            Effect::JudgedAgain if !waits => true,
            Effect::BuiltAgain => false,
            Effect::JudgedAgain | Effect::JudgedAtItsEnd | Effect::Audited | Effect::Nothing => {
                continue;
            }
        };
        let brief =
            format!("The spec of your part changed ({}): {}.", how.reason, touched.why.join("; "));
        let event = GroupInvalidated { reason: Invalid::SpecChanged, brief, judge_first };
        entries.push(Entry::group(gid, event));
    }
    entries
}

/// A group whose work exists is ended before its row goes away, so that the work is kept by name.
fn keep_begun(session: &Session, state: &State, old: &Spec, new: &Spec) -> Result<()> {
    for group in old.groups.iter().filter(|g| new.group(&g.id).is_none()) {
        let begun = state.group(&group.id).is_some_and(|g| !g.attempts.is_empty());
        if begun && !matches!(state.phase(&group.id), Phase::Aborted { .. }) {
            return Err(Error::no(format!(
                "the group '{}' has begun, and cannot be left out",
                group.id
            ))
            .hint(format!(
                "end it first, which keeps its work: otto abort {} --group {}",
                session.id, group.id
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Oid;

    #[test]
    fn work_that_is_good_is_kept_and_nothing_unbuilt_is_told() {
        let oid = Oid::NULL;
        let passing = Phase::Passing { commit: oid, tree: oid, base: oid };
        let failed = Phase::Failed { reason: String::new() };
        for phase in [&passing, &failed] {
            assert_eq!(effect(phase, Needs::Judging), Effect::JudgedAgain);
            assert_eq!(effect(phase, Needs::Building), Effect::BuiltAgain);
        }
        for phase in [Phase::Landed, Phase::Redundant { held_by: oid }] {
            assert_eq!(effect(&phase, Needs::Judging), Effect::Audited);
            assert_eq!(effect(&phase, Needs::Building), Effect::BuiltAgain);
        }
        let building = Phase::Building { attempt: 1 };
        assert_eq!(effect(&building, Needs::Judging), Effect::JudgedAtItsEnd);
        assert_eq!(effect(&building, Needs::Building), Effect::BuiltAgain);
        let ended = Phase::Aborted { reason: String::new() };
        for phase in [Phase::Pending, Phase::Blocked { by: Vec::new() }, ended] {
            for needs in [Needs::Judging, Needs::Building] {
                assert_eq!(effect(&phase, needs), Effect::Nothing);
            }
        }
    }
}
