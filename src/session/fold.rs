//! `state = fold(events)`: total, pure, and terminal states absorb.

use std::sync::Arc;

mod pilot;
mod worked;

use super::event::{AttemptOutcome, CheckPhase, Event, GroupInvalidated, Invalid};
use super::journal::Record;
use super::state::{
    Answer, Attempt, AttemptEnd, Audit, AuditCheck, GroupState, LandState, Landing, OpenLanding,
    Phase, Repair, Request, RunState, SpecState, State, Waiting,
};
use crate::base::Sha256;

impl State {
    /// Takes one record in.
    pub fn apply(&mut self, record: &Record) {
        self.worked_until(record);
        self.events = record.seq;
        self.head = Some(record.hash);
        self.last_at = Some(record.at);
        match &record.event {
            Event::SessionCreated(e) => {
                self.created_at = Some(record.at);
                self.record_sha256 = Some(e.record_sha256);
                self.base = Some(e.base);
                self.target = e.target.clone();
            }
            Event::SpecCompiled(e) => {
                self.recompiled += u32::from(matches!(self.spec, SpecState::Rejected { .. }));
                self.spec = SpecState::Compiled { sha256: e.sha256 };
                self.spec_is(e.version, e.sha256, e.file);
            }
            Event::SpecEdited(e) => {
                self.spec = SpecState::Compiled { sha256: e.sha256 };
                self.spec_is(e.version, e.sha256, e.file);
            }
            Event::SpecApproved(e) => {
                self.spec = SpecState::Approved {
                    sha256: e.sha256,
                    first: e.sha256,
                    by: e.by.clone(),
                    at: record.at,
                };
            }
            Event::SpecRejected(e) => self.spec = SpecState::Rejected { note: e.note.clone() },
            Event::SpecAmended(e) => {
                if let SpecState::Approved { sha256, .. } = &mut self.spec {
                    *sha256 = e.after;
                }
                self.spec_links.push(e.link);
                self.spec_is(e.version, e.after, e.file);
            }
            Event::SpecRequested(e) => self.requests.push(Request {
                group: record.group.clone().unwrap_or_default(),
                attempt: record.attempt,
                at: record.at,
                reason: e.reason.clone(),
                wish: e.wish.clone(),
                change: e.change.clone(),
                problems: e.problems.clone(),
                sha256: e.sha256,
                answer: None,
            }),
            Event::SpecAnswered(e) => {
                let asked = (e.request as usize).checked_sub(1);
                if let Some(request) = asked.and_then(|i| self.requests.get_mut(i))
                    && request.is_open()
                {
                    let (by, note) = (e.by.clone(), e.note.clone());
                    request.answer = Some(Answer { accepted: e.accepted, by, note });
                }
            }
            Event::CheckMutated(e) => {
                self.controls.insert(e.check.clone(), (e.control, e.judged));
            }
            Event::AuditStarted(e) => self.audits.push(Audit {
                round: e.round,
                tip: e.tip,
                scope: e.scope,
                mode: e.mode,
                spec: e.spec,
                left_out: e.left_out.clone(),
                checks: Vec::new(),
                findings: Vec::new(),
                finished: None,
                adversary: None,
            }),
            Event::AuditChecked(e) => {
                if let Some(audit) = self.open_audit(e.round) {
                    audit.checks.push(AuditCheck {
                        check: e.check.clone(),
                        scenario: e.scenario.clone(),
                        asked: e.asked.clone(),
                        outcome: e.outcome.clone(),
                    });
                }
            }
            Event::AuditFinding(e) => {
                if let Some(audit) = self.open_audit(e.round) {
                    audit.findings.push(e.finding.clone());
                }
            }
            Event::AuditFinished(e) => {
                let certifier = e.certifier.clone();
                if let Some(audit) = self.open_audit(e.round) {
                    audit.finished = Some(certifier);
                    audit.adversary = e.adversary.clone();
                }
            }
            Event::ProviderWaiting(e) => {
                // Where it is not known until when, there is nothing to wait for.
                let until = e.until.parse().unwrap_or(record.at);
                let waiting = Waiting { until, class: e.class.clone(), seq: record.seq };
                let before = self.waits.insert(e.provider.clone(), waiting);
                // Nobody asks while a wait holds: who is refused then had asked before.
                let same = before.is_some_and(|w| w.class == e.class && record.at < w.until);
                let refusals = self.refusals.entry(e.provider.clone()).or_default();
                refusals.last = record.seq;
                if !same {
                    *refusals.times.entry(e.class.clone()).or_default() += 1;
                }
            }
            Event::ProviderWoken(e) => {
                self.waits.remove(&e.provider);
                if e.by.is_none() {
                    self.refusals.remove(&e.provider);
                }
            }
            Event::RunPaused(e) => {
                if !self.run_is_over() {
                    self.run = RunState::Paused { reason: e.reason.clone() };
                }
            }
            Event::RunResumed(_) => {
                // A finished run may be taken up again by a person (more budget, a repaired group);
                // an aborted one never.
                if !matches!(self.run, RunState::Aborted { .. }) {
                    self.run = RunState::Open;
                }
            }
            Event::RunAborted(e) => self.run = RunState::Aborted { reason: e.reason.clone() },
            Event::RunFinished(e) => {
                if !self.run_is_over() {
                    self.run = RunState::Finished { exit: e.exit };
                    self.repairs_before = self.repairs.len();
                    self.audits_before = self.audits.len().saturating_sub(1);
                    self.halted = None;
                    self.forget_course();
                }
            }
            Event::LandStarted(e) => {
                self.land = LandState::Started {
                    target: e.target.clone(),
                    old: e.old,
                    new: e.new,
                    checked_out: e.checked_out,
                };
            }
            Event::LandLanded(e) => {
                self.land = LandState::Landed { target: e.target.clone(), new: e.new };
            }
            Event::LandRefused(_) => {
                if matches!(self.land, LandState::Started { .. }) {
                    self.land = LandState::No;
                }
            }
            Event::WorkArchived(e) => self.archived.push((e.name.clone(), e.commit)),
            Event::BudgetSpent(e) => {
                self.usage_by_role.entry(e.role.clone()).or_default().add(&e.usage);
                if let Some(group) = &record.group {
                    self.usage_by_group.entry(group.clone()).or_default().add(&e.usage);
                }
            }
            Event::MergeAdopted(e) => {
                // Whatever was announced before a person moved the ref did not happen.
                self.open_landing = None;
                self.landed.insert(e.new);
                self.landings.push(Landing {
                    group: "adopted".into(),
                    attempt: None,
                    old: e.old,
                    new: e.new,
                    tested_commit: e.new,
                    tree: e.tree,
                    head: e.new,
                    at: record.at,
                    boot: None,
                });
            }
            Event::RepairStopped(e) => self.halted = Some((e.round, e.reason)),
            Event::PilotAsked(e) => self.pilot_asked(e),
            Event::PilotDecided(e) => self.pilot_decided(e),
            Event::ServiceStarted(_)
            | Event::ServiceStopped(_)
            | Event::WorktreeLeased(_)
            | Event::WorktreeReturned(_) => {}
            Event::Unknown { kind, .. } => {
                self.unknown_kind.get_or_insert_with(|| kind.clone());
            }
            Event::GroupStarted(_)
            | Event::AttemptStarted(_)
            | Event::AttemptFinished(_)
            | Event::GroupChecked(_)
            | Event::GroupPassing(_)
            | Event::GroupFailed(_)
            | Event::GroupBlocked(_)
            | Event::GroupInvalidated(_)
            | Event::GroupAborted(_)
            | Event::CandidateBuilt(_)
            | Event::MergeStarted(_)
            | Event::MergeLanded(_)
            | Event::MergeConflict(_)
            | Event::MergeRedundant(_)
            | Event::MergeRefused(_)
            | Event::RepairStarted(_)
            | Event::RepairFinished(_) => self.apply_to_group(record),
        }
    }

    fn spec_is(&mut self, version: u32, sha256: Sha256, file: Option<Sha256>) {
        self.spec_version = version;
        self.spec_versions.insert(version, sha256);
        self.spec_files.extend(file.map(|file| (version, file)));
    }

    fn run_is_over(&self) -> bool {
        matches!(self.run, RunState::Finished { .. } | RunState::Aborted { .. })
    }

    fn open_audit(&mut self, round: u32) -> Option<&mut Audit> {
        self.audits.iter_mut().rev().find(|a| a.round == round && a.finished.is_none())
    }

    fn apply_to_group(&mut self, record: &Record) {
        let Some(gid) = &record.group else { return };
        if let Event::AttemptStarted(e) = &record.event
            && self.waits.get(&e.provider).is_some_and(|w| w.until <= record.at)
        {
            // Whatever the clock says from now on, that wait is over.
            self.waits.remove(&e.provider);
        }
        match &record.event {
            Event::MergeStarted(e) => {
                self.open_landing = Some(OpenLanding {
                    group: gid.clone(),
                    attempt: record.attempt,
                    intent: e.clone(),
                    at: record.at,
                });
                return;
            }
            Event::MergeLanded(e) => {
                self.open_landing = None;
                let landing = Landing {
                    group: gid.clone(),
                    attempt: record.attempt,
                    old: e.old,
                    new: e.new,
                    tested_commit: e.tested_commit,
                    tree: e.tree,
                    head: e.head,
                    at: record.at,
                    boot: e.boot.clone(),
                };
                // Recording the same landing twice is one landing.
                if self.landed.insert(landing.new) {
                    self.landings.push(landing.clone());
                }
                if !gid.starts_with(SYNC) {
                    let group = Arc::make_mut(self.groups.entry(gid.clone()).or_default());
                    group.landed = Some(landing);
                    if !group.phase.is_terminal() {
                        group.phase = Phase::Landed;
                    }
                }
                return;
            }
            Event::MergeRefused(_) | Event::MergeConflict(_)
                // The announced landing did not happen.
                if self.open_landing.as_ref().is_some_and(|o| o.group == *gid) => {
                    self.open_landing = None;
                }
            Event::RepairStarted(e) => self.repairs.push(Repair {
                key: e.key.clone(),
                group: gid.clone(),
                findings: e.findings.clone(),
                round: e.round,
                failures: e.failures.clone(),
                strategy: e.strategy.unwrap_or_default(),
                outcome: None,
            }),
            Event::RepairFinished(e) => {
                if let Some(repair) = self.repairs.iter_mut().rev().find(|r| r.key == e.key) {
                    repair.outcome = Some(e.outcome.clone());
                }
            }
            _ => {}
        }
        if gid.starts_with(SYNC) {
            return;
        }
        apply_group(Arc::make_mut(self.groups.entry(gid.clone()).or_default()), record);
    }
}

/// Landings of the target branch carry this pseudo group.
pub const SYNC: &str = "sync.";

fn apply_group(group: &mut GroupState, record: &Record) {
    // What is recorded about an attempt or a check is history and always kept; what moves the
    // group is absorbed by a terminal phase.
    let terminal = group.phase.is_terminal();
    match &record.event {
        Event::AttemptStarted(e) => {
            group.attempts.push(Attempt {
                number: record.attempt.unwrap_or_else(|| group.next_attempt()),
                role: e.role.clone(),
                base: e.base,
                start: e.start,
                dep_heads: e.dep_heads.clone(),
                provider: e.provider.clone(),
                spec: e.spec,
                started: record.at,
                finished: None,
            });
            group.tries += 1;
            group.judged.remove(&CheckPhase::Attempt);
            if !terminal {
                let attempt = group.attempts.len() as u32;
                let before = std::mem::replace(&mut group.phase, Phase::Building { attempt });
                group.before_attempt = Some(before);
            }
        }
        Event::AttemptFinished(e) => {
            let number = record.attempt;
            let attempt = group
                .attempts
                .iter_mut()
                .rev()
                .find(|a| number.is_none_or(|n| a.number == n) && a.finished.is_none());
            if let Some(attempt) = attempt {
                attempt.finished = Some(AttemptEnd {
                    at: record.at,
                    outcome: e.outcome,
                    commit: e.commit,
                    tree: e.tree,
                    files: e.files,
                    violations: e.violations.clone(),
                    left_out: e.left_out.clone(),
                    fingerprint: e.fingerprint,
                    brief: e.brief.clone(),
                    turn: e.turn.clone(),
                    claim: e.claim.clone(),
                    duration_s: e.duration_s,
                    boot: e.boot.clone(),
                    conversation: e.conversation.clone(),
                });
                if !terminal {
                    // A stop says nothing: what the group was told before still holds.
                    let before = group.before_attempt.take().unwrap_or_default();
                    let again = matches!(before, Phase::Invalidated { .. });
                    let overtaken = std::mem::take(&mut group.overtaken);
                    group.phase = match e.outcome {
                        _ if overtaken => before,
                        AttemptOutcome::Interrupted if again => before,
                        _ => Phase::Pending,
                    };
                    if overtaken {
                        group.tries = 0;
                    }
                }
            }
        }
        Event::CandidateBuilt(_) => drop(group.judged.remove(&CheckPhase::Candidate)),
        Event::GroupChecked(e) => {
            group.checks.insert((e.phase, e.check.clone()), e.outcome.clone());
            group.judged.entry(e.phase).or_default().note(&e.check, &e.outcome);
        }
        Event::RepairStarted(e) if group.phase.is_in() => {
            group.before_repair = Some(std::mem::take(&mut group.phase));
            group.repair = Some(e.key.clone());
            group.tries = 0;
            group.sent_back = 0;
        }
        Event::RepairFinished(_) => {
            group.repair = None;
            if let Some(before) = group.before_repair.take().filter(|_| !terminal) {
                group.phase = before;
            }
        }
        Event::GroupInvalidated(e)
            if e.reason == Invalid::SpecChanged && group.open_attempt().is_some() && !terminal =>
        {
            group.before_attempt = Some(sent_back(e));
            group.overtaken = true;
        }
        // The contract asks for other work now; what landed stays in the product meanwhile.
        Event::GroupInvalidated(e)
            if e.reason == Invalid::SpecChanged && !e.judge_first && group.phase.is_in() =>
        {
            group.phase = sent_back(e);
            (group.tries, group.sent_back) = (0, 0);
        }
        _ if terminal => {}
        Event::GroupPassing(e) => {
            group.phase = Phase::Passing { commit: e.commit, tree: e.tree, base: e.base };
        }
        Event::GroupFailed(e) => group.phase = Phase::Failed { reason: e.reason.clone() },
        Event::GroupBlocked(e) => group.phase = Phase::Blocked { by: e.by.clone() },
        Event::GroupInvalidated(e) => {
            group.phase = sent_back(e);
            group.tries = 0;
            // Only what the queue sent back counts against its limit.
            if matches!(e.reason, Invalid::Conflict | Invalid::RedCandidate | Invalid::Violation) {
                group.sent_back += 1;
            }
        }
        Event::GroupAborted(e) => group.phase = Phase::Aborted { reason: e.reason.clone() },
        // What landed, was reopened by a new spec, and is good as it is.
        Event::MergeRedundant(_) if group.landed.is_some() && group.repair.is_none() => {
            group.phase = Phase::Landed;
        }
        Event::MergeRedundant(e) => group.phase = Phase::Redundant { held_by: e.held_by },
        _ => {}
    }
}

fn sent_back(e: &GroupInvalidated) -> Phase {
    let (reason, brief) = (e.reason, e.brief.clone());
    Phase::Invalidated { reason, brief, judge_first: e.judge_first }
}

#[cfg(test)]
mod tests;
