//! What a run does next, from wherever the session is. Values in, values out.

use std::collections::BTreeSet;

use crate::base::{Exit, Sha256};
use crate::session::State;
use crate::session::event::{After, AuditScope};
use crate::session::state::{Audit, Repair, RunState, SpecState};
use crate::spec::Spec;
use crate::stage::build::schedule;
use crate::stage::repair::{self, Told};
use crate::stage::{merge, pilot};

/// Rounds of repair and full audit after the first audit.
const REPAIR_ROUNDS: usize = 3;

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Compile,
    BuildAndMerge,
    Audit,
    /// Something failed and can be tried again: how, is asked first.
    Pilot,
    Repair,
    /// Everything that can be done was done: the verdict is next.
    Judge,
    /// A person ended the session.
    Ended {
        reason: String,
    },
}

/// How far this run has come; what the session has come to is in its state.
#[derive(Debug, Clone, Default)]
pub struct Course {
    part: Part,
    /// Somebody can be asked how to go on.
    pilot: bool,
    /// Nobody repairs what an audit finds.
    as_it_is: bool,
    /// What was asked about last.
    asked: Option<String>,
    /// [`progress`] before the last round of building.
    before: Option<(usize, usize, usize)>,
    /// Repairs of this run; the session's are counted by [`repair_rounds`].
    rounds: usize,
    compiled: bool,
    /// The spec of the newest audit of this run.
    audited_by: Option<Sha256>,
    /// `before` and `compiled` as they were before the step that runs now.
    undone: (Option<(usize, usize, usize)>, bool),
}

/// Where in its chain the run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Build,
    /// Before an audit: a repair that a stop left open comes first.
    Open,
    Audit,
    Plan,
    /// A repair ran.
    Repaired,
    LastAudit,
    Over,
}

impl Course {
    /// With a pilot, where one is configured.
    pub fn new(pilot: bool) -> Self {
        Self { pilot, ..Self::default() }
    }

    /// The same where nobody has the role `fix`: the product is judged as it is.
    #[must_use]
    pub fn without_repair(self) -> Self {
        Self { as_it_is: true, ..self }
    }

    /// The next step. `spec` is the approved one, `told` what groups are told besides their
    /// failures, `last` how the step before ended.
    pub fn next(
        &mut self,
        spec: Option<&Spec>,
        state: &State,
        told: &Told,
        last: Option<Exit>,
    ) -> Action {
        self.undone = (self.before, self.compiled);
        if let RunState::Aborted { reason } = &state.run {
            return Action::Ended { reason: reason.clone() };
        }
        let (SpecState::Approved { .. }, Some(spec)) = (&state.spec, spec) else {
            // Asked once: what comes of it may have to wait for a person.
            let first = !std::mem::replace(&mut self.compiled, true);
            return if first { Action::Compile } else { Action::Judge };
        };
        loop {
            match self.part {
                // Until nothing is left to do, or a round changed nothing: a group that was sent
                // back at the very end has dependents that could not start before.
                Part::Build => {
                    let now = Some(progress(state));
                    if work_is_left(spec, state) && self.before != now {
                        self.before = now;
                        return Action::BuildAndMerge;
                    }
                    if self.asks(spec, state) {
                        return Action::Pilot;
                    }
                    self.part = if state.landings.is_empty() { Part::Over } else { Part::Open };
                }
                Part::Open => {
                    self.part = Part::Audit;
                    // The product is not whole without it.
                    if state.repairs.iter().any(|r| r.outcome.is_none()) {
                        return Action::Repair;
                    }
                }
                Part::Audit => {
                    self.part = Part::Plan;
                    if audit_is_due(state) {
                        self.audited_by = state.approved();
                        return Action::Audit;
                    }
                }
                Part::Plan if self.as_it_is => self.part = Part::Over,
                Part::Plan if self.rounds(state) > REPAIR_ROUNDS => self.part = Part::Over,
                Part::Plan => match repair::next(state, told) {
                    _ if self.asks(spec, state) => return Action::Pilot,
                    repair::Next::Nothing => self.part = Part::Over,
                    repair::Next::Dispatch(_) | repair::Next::Stop(_) => {
                        self.part = Part::Repaired;
                        return Action::Repair;
                    }
                },
                Part::Repaired => {
                    self.rounds += 1;
                    self.part = match last == Some(Exit::YES) || audit_is_due(state) {
                        // Nothing came of it, and nothing changed; another way may be known.
                        false => Part::Plan,
                        true if self.rounds(state) > REPAIR_ROUNDS => Part::LastAudit,
                        true => Part::Open,
                    };
                }
                // The last repair is not taken on trust either.
                Part::LastAudit => {
                    self.part = Part::Over;
                    if audit_is_due(state) {
                        self.audited_by = state.approved();
                        return Action::Audit;
                    }
                }
                // A repair may leave a group that passes and did not land, and what waits for it.
                Part::Over if work_is_left(spec, state) && self.before != Some(progress(state)) => {
                    self.part = Part::Build;
                }
                // Amended while it was audited: once for each amendment.
                Part::Over if self.audited_by.is_some_and(|by| state.approved() != Some(by)) => {
                    self.audited_by = None;
                    self.part = Part::Build;
                }
                Part::Over => return Action::Judge,
            }
        }
    }

    /// The step came to no end, because a provider asks to wait: the chain is gone through from its
    /// beginning, since the session may be anywhere by then. What the steps before have tried stays
    /// tried.
    pub fn again(&mut self) {
        (self.before, self.compiled) = self.undone;
        self.part = Part::default();
    }

    /// Whether the pilot is asked now; about the same thing once.
    fn asks(&mut self, spec: &Spec, state: &State) -> bool {
        let due = if self.pilot { pilot::due(spec, state) } else { None };
        // Nothing comes of an answer about what nobody repairs.
        let due = due.filter(|b| !self.as_it_is || b.after == After::Build).map(|b| b.name);
        if due.is_none() || due == self.asked {
            return false;
        }
        self.asked = due;
        true
    }

    fn rounds(&self, state: &State) -> usize {
        self.rounds.max(repair_rounds(state))
    }
}

/// Rounds of repair since the run was finished for the last time: a stop and a resume in between
/// make them no fewer. A round is what one full audit found, however many groups and narrowed
/// audits that takes.
fn repair_rounds(state: &State) -> usize {
    let full = |a: &&Audit| a.scope == AuditScope::Full && a.finished.is_some();
    let found_by = |r: &Repair| {
        state.audits.iter().filter(full).map(|a| a.round).filter(|round| *round <= r.round).max()
    };
    let repairs = state.repairs.get(state.repairs_before..).unwrap_or_default();
    repairs.iter().map(found_by).collect::<BTreeSet<_>>().len()
}

/// Attempts, landings, and groups that the pilot took up again.
fn progress(state: &State) -> (usize, usize, usize) {
    let attempts = state.groups.values().map(|g| g.attempts.len()).sum();
    let taken_up = state.groups.values().map(|g| g.taken_up as usize).sum();
    (attempts, state.landings.len(), taken_up)
}

/// Something can still be built or landed.
pub(super) fn work_is_left(spec: &Spec, state: &State) -> bool {
    !schedule::ready(spec, state).is_empty()
        || !merge::queue::eligible(spec, state).is_empty()
        || state.open_landing.is_some()
}

/// No full audit of the tip as it is has finished.
pub(super) fn audit_is_due(state: &State) -> bool {
    state.last_full_audit().is_none_or(|a| Some(a.tip) != state.tip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Oid;
    use crate::session::event::{AuditMode, Certifier, Finding, FindingKind, Severity};
    use crate::session::state::{GroupState, Landing, Phase};
    use crate::spec::sample;

    fn oid(n: u8) -> Oid {
        format!("{n:02x}").repeat(20).parse().expect("an id")
    }

    fn approved() -> (Spec, State) {
        let spec = sample::good();
        let mut state = State { base: Some(oid(1)), ..State::default() };
        let (sha256, at) = (spec.content_hash(), jiff::Timestamp::UNIX_EPOCH);
        state.spec = SpecState::Approved { sha256, first: sha256, by: "auto".into(), at };
        (spec, state)
    }

    fn land_all(spec: &Spec, state: &mut State, new: u8) {
        for group in &spec.groups {
            let phase = Phase::Landed;
            state
                .groups
                .insert(group.id.clone(), GroupState { phase, ..GroupState::default() }.into());
        }
        state.landings.push(Landing {
            group: spec.groups[0].id.clone(),
            attempt: None,
            old: state.tip().expect("a tip"),
            new: oid(new),
            tested_commit: oid(new),
            tree: oid(9),
            head: oid(new),
            at: jiff::Timestamp::UNIX_EPOCH,
            boot: None,
        });
    }

    fn audit(spec: &Spec, state: &mut State, red: bool) {
        let finding = Finding {
            id: format!("f{}", state.audits.len()),
            kind: FindingKind::ProductFailure,
            severity: Severity::Critical,
            text: "red".into(),
            features: Vec::new(),
            group: Some(spec.groups[0].id.clone()),
            check: Some("check".into()),
            reproduction: String::new(),
            evidence: Vec::new(),
            failure: None,
            beyond: None,
        };
        state.audits.push(Audit {
            round: 1,
            tip: state.tip().expect("a tip"),
            scope: AuditScope::Full,
            mode: Some(AuditMode::Standard),
            spec: None,
            left_out: Vec::new(),
            checks: Vec::new(),
            findings: if red { vec![finding] } else { Vec::new() },
            finished: Some(Certifier::None),
            adversary: None,
        });
    }

    #[test]
    fn the_chain_in_its_order() {
        let (spec, mut state) = approved();
        let mut course = Course::default();
        let mut next = |s: &State| course.next(Some(&spec), s, &Told::new(), Some(Exit::YES));
        assert_eq!(next(&State::default()), Action::Compile);
        assert_eq!(next(&state), Action::BuildAndMerge);
        land_all(&spec, &mut state, 2);
        assert_eq!(next(&state), Action::Audit);
        audit(&spec, &mut state, true);
        assert_eq!(next(&state), Action::Repair);
        land_all(&spec, &mut state, 3);
        assert_eq!(next(&state), Action::Audit);
        audit(&spec, &mut state, false);
        assert_eq!(next(&state), Action::Judge);
    }

    #[test]
    fn what_nobody_repairs_is_judged_as_it_is() {
        let (spec, mut state) = approved();
        let mut course = Course::new(true).without_repair();
        land_all(&spec, &mut state, 2);
        let mut next = |s: &State| course.next(Some(&spec), s, &Told::new(), Some(Exit::YES));
        assert_eq!(next(&state), Action::Audit);
        audit(&spec, &mut state, true);
        assert_eq!(next(&state), Action::Judge);
    }

    #[test]
    fn a_round_that_changes_nothing_is_the_last() {
        let (spec, state) = approved();
        let mut course = Course::default();
        assert_eq!(course.next(Some(&spec), &state, &Told::new(), None), Action::BuildAndMerge);
        assert_eq!(course.next(Some(&spec), &state, &Told::new(), Some(Exit::NO)), Action::Judge);
    }

    #[test]
    fn what_a_repair_left_passing_is_landed_before_the_verdict() {
        let (spec, mut state) = approved();
        let mut course = Course::default();
        land_all(&spec, &mut state, 2);
        let mut next = |s: &State, exit| course.next(Some(&spec), s, &Told::new(), Some(exit));
        assert_eq!(next(&state, Exit::YES), Action::Audit);
        audit(&spec, &mut state, true);
        assert_eq!(next(&state, Exit::NO), Action::Repair);
        let gid = &spec.groups[0].id;
        let phase = Phase::Passing { commit: oid(7), tree: oid(8), base: oid(1) };
        state.groups.insert(gid.clone(), GroupState { phase, ..GroupState::default() }.into());
        let red = &mut state.audits[0].findings;
        red.clear();
        assert_eq!(next(&state, Exit::NO), Action::BuildAndMerge);
        assert_eq!(next(&state, Exit::NO), Action::Judge, "and only once");
    }

    #[test]
    fn an_abort_is_the_end_at_any_point() {
        let (spec, mut state) = approved();
        land_all(&spec, &mut state, 2);
        state.run = RunState::Aborted { reason: "no".into() };
        let ended = Action::Ended { reason: "no".into() };
        assert_eq!(Course::default().next(Some(&spec), &state, &Told::new(), None), ended);
    }

    /// Every repair makes a new tip and every audit finds something new: it ends all the same, and
    /// with an audit of what is there.
    #[test]
    fn a_product_that_never_becomes_green_ends() {
        let (spec, mut state) = approved();
        let mut course = Course::default();
        land_all(&spec, &mut state, 2);
        let mut story = String::new();
        for n in 0..50 {
            match course.next(Some(&spec), &state, &Told::new(), Some(Exit::YES)) {
                Action::Audit => {
                    story.push('a');
                    audit(&spec, &mut state, true);
                }
                Action::Repair => {
                    story.push('r');
                    land_all(&spec, &mut state, 10 + n);
                }
                other => {
                    assert_eq!(other, Action::Judge);
                    break;
                }
            }
        }
        assert_eq!(story, "arararara");
        assert!(!audit_is_due(&state));
    }

    /// The same, and a provider asks to wait at every step: that makes the chain no longer.
    #[test]
    fn waits_do_not_make_it_longer() {
        let (spec, mut state) = approved();
        let mut course = Course::default();
        land_all(&spec, &mut state, 2);
        let mut story = String::new();
        for n in 0..50 {
            let wanted = course.next(Some(&spec), &state, &Told::new(), Some(Exit::YES));
            if wanted == Action::Judge {
                break;
            }
            course.again();
            assert_eq!(
                course.next(Some(&spec), &state, &Told::new(), None),
                wanted,
                "after {story}"
            );
            if wanted == Action::Audit {
                story.push('a');
                audit(&spec, &mut state, true);
            } else {
                story.push('r');
                land_all(&spec, &mut state, 10 + n);
            }
        }
        assert_eq!(story, "arararara");
    }

    #[test]
    fn what_changed_nothing_before_a_wait_is_not_done_again_and_what_came_to_no_end_is() {
        let (spec, mut state) = approved();
        let mut course = Course::default();
        assert_eq!(course.next(None, &State::default(), &Told::new(), None), Action::Compile);
        course.again();
        assert_eq!(course.next(None, &State::default(), &Told::new(), None), Action::Compile);
        land_all(&spec, &mut state, 2);
        state.groups.clear();
        let next = |course: &mut Course| course.next(Some(&spec), &state, &Told::new(), None);
        assert_eq!(next(&mut course), Action::BuildAndMerge);
        course.again();
        assert_eq!(next(&mut course), Action::BuildAndMerge, "nobody could work on it");
        assert_eq!(next(&mut course), Action::Audit, "it changed nothing");
        course.again();
        assert_eq!(next(&mut course), Action::Audit);
    }

    #[test]
    fn rounds_before_a_stop_count_until_the_run_is_finished() {
        let (spec, mut state) = approved();
        land_all(&spec, &mut state, 2);
        let next = |s: &State| Course::default().next(Some(&spec), s, &Told::new(), None);
        let mut n = 0;
        for _ in 0..=REPAIR_ROUNDS {
            n += 1;
            audit(&spec, &mut state, true);
            state.audits.last_mut().expect("one").round = n;
            assert_eq!(next(&state), Action::Repair);
            // Two groups are repaired, and each repair has an audit of its own.
            for _ in 0..2 {
                let (group, findings) = (spec.groups[0].id.clone(), Vec::new());
                let (key, outcome) = (format!("k{n}"), Some("landed".to_owned()));
                state.repairs.push(Repair {
                    key,
                    group,
                    findings,
                    round: n,
                    failures: Vec::new(),
                    strategy: Default::default(),
                    outcome,
                });
                n += 1;
                audit(&spec, &mut state, false);
                let narrowed = state.audits.last_mut().expect("one");
                (narrowed.round, narrowed.scope) = (n, AuditScope::Narrowed);
            }
        }
        audit(&spec, &mut state, true);
        assert_eq!(next(&state), Action::Judge);
        state.repairs_before = state.repairs.len();
        assert_eq!(next(&state), Action::Repair, "a person takes a finished one up again");
    }
}
