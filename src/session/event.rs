//! The closed set of event kinds, version 1. Each kind has one data type; `docs/formats.md` has a
//! sample of each, which a test loads. Kinds may be added; a program that meets one it does not
//! know shows it and refuses to append.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod audit;
mod control;
mod judged;
mod pilot;
mod repair;
mod rule;
#[cfg(test)]
mod samples;
mod turn;

pub use audit::{
    Answered, Asked, AuditMode, AuditScope, Beyond, Certifier, Covered, Finding, FindingKind,
    Judge, JudgedWord, Judgement, LeftOut, Risk, Scenario, Severity, Struck,
};
pub use control::Control;
pub use judged::{AttemptOutcome, Violation};
pub use pilot::{After, Analysis, Course, Decision, Dropped, GroupPlan, Routed};
pub use repair::{Failure, Halt, Strategy, Way};
pub use rule::Rule;
pub use turn::{Conversation, Rung, Usage};

use crate::base::{Error, Json, Result, Sha256};
use crate::git::{Oid, merge::Conflict};

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $kind:literal
        { $($(#[$fdoc:meta])* $field:ident : $ty:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $name { $($(#[$fdoc])* pub $field: $ty),* }

            impl From<$name> for Event {
                fn from(data: $name) -> Event {
                    Event::$name(data)
                }
            }
        )*

        /// Something that happened.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $($name($name),)*
            /// Written by a newer version of Otto.
            Unknown { kind: String, data: Value },
        }

        /// Every kind of this version.
        pub const KINDS: &[&str] = &[$($kind),*];

        impl Event {
            pub fn kind(&self) -> &str {
                match self {
                    $(Event::$name(_) => $kind,)*
                    Event::Unknown { kind, .. } => kind,
                }
            }

            pub fn data(&self) -> Result<String> {
                let text = match self {
                    $(Event::$name(data) => serde_json::to_string(data),)*
                    Event::Unknown { data, .. } => serde_json::to_string(data),
                };
                text.map_err(|e| Error::bug("an event cannot be written").because(e))
            }

            pub fn parse(kind: &str, data: &str) -> std::result::Result<Event, serde_json::Error> {
                Ok(match kind {
                    $($kind => Event::$name(serde_json::from_str(data)?),)*
                    other => Event::Unknown {
                        kind: other.to_owned(),
                        data: serde_json::from_str(data)?,
                    },
                })
            }
        }
    };
}

events! {
    SessionCreated = "session.created" {
        intent_sha256: Sha256,
        base: Oid,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
        /// Hash of `session.json`.
        record_sha256: Sha256,
    }
    /// A spec was accepted by validation; `version` counts from 1.
    SpecCompiled = "spec.compiled" {
        sha256: Sha256, version: u32, source: String, turns: u32,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        warnings: Vec<String>,
        /// Hash of the file `spec/versions/NNN.json`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<Sha256>,
    }
    SpecEdited = "spec.edited" {
        sha256: Sha256, version: u32,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        by: String,
        /// As in `spec.compiled`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<Sha256>,
    }
    SpecApproved = "spec.approved" { sha256: Sha256, by: String }
    SpecRejected = "spec.rejected" { note: String, by: String }
    SpecAmended = "spec.amended" {
        before: Sha256, after: Sha256, reason: String, version: u32,
        /// `user:<name>` or `group:<id>`; empty in journals from before it was recorded.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        by: String,
        /// What made it necessary: an attempt, or a request.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        trigger: String,
        /// Hash of this link of the amendment chain and of all before it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<Sha256>,
        /// As in `spec.compiled`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<Sha256>,
    }
    /// What a builder wrote into its worktree about the spec and Otto did not do by itself.
    SpecRequested = "spec.requested" {
        reason: String,
        /// What it wants, in its words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        wish: String,
        /// The same as a change that a person can accept with one command.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<Json>,
        /// Why it was refused at once; a request without is for a person to decide.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        problems: Vec<String>,
        /// Hash of what was asked, so that it is asked once.
        sha256: Sha256,
    }
    /// A person answered a request; they count from 1, in the order of the journal.
    SpecAnswered = "spec.answered" {
        request: u32, accepted: bool, by: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    }
    WorktreeLeased = "worktree.leased" { slot: String, path: String, commit: Oid }
    WorktreeReturned = "worktree.returned" { slot: String }
    GroupStarted = "group.started" {}
    AttemptStarted = "group.attempt.started" {
        /// `build`, `fix` or `merge`.
        role: String,
        /// What the group's work is compared with.
        base: Oid,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        dep_heads: BTreeMap<String, Oid>,
        /// Where the worktree starts: the base, or what the attempt before left.
        start: Oid,
        provider: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        spec: Sha256,
    }
    AttemptFinished = "group.attempt.finished" {
        outcome: AttemptOutcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<Oid>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tree: Option<Oid>,
        files: u32,
        /// Paths that the group may not write, with the reason.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        violations: Vec<Violation>,
        /// Ignored paths that were made and not committed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left_out: Vec<String>,
        /// Hash of the normalised failure, for the no-progress rule.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fingerprint: Option<Sha256>,
        /// What the next attempt is told.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        brief: String,
        /// The end of the agent's turn: a reason word of the provider protocol.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        turn: String,
        /// The agent's own words about it: stored, never believed.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        claim: String,
        duration_s: f64,
        /// The machine's boot id, as in `merge.started`: for the group's branch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        boot: Option<String>,
        /// The provider's conversation, for the next attempt to go on with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation: Option<Conversation>,
    }
    GroupChecked = "group.check.finished" {
        check: String,
        phase: CheckPhase,
        outcome: Json,
        #[serde(default)]
        cached: bool,
        /// Of one that ran, what its record says besides the outcome (`check::record::Run`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<Json>,
    }
    /// A negative control: the check beside the product without its group's work.
    CheckMutated = "check.mutated" {
        check: String,
        control: Control,
        /// The commit with the work, and the one without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        judged: Option<Oid>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mutant: Option<Oid>,
        /// Tests and other files of the group that define checks, which were not taken away.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kept: Vec<String>,
        why: String,
        /// Without the work.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Json>,
    }
    GroupPassing = "group.passing" { commit: Oid, tree: Oid, base: Oid }
    GroupFailed = "group.failed" { reason: String }
    GroupBlocked = "group.blocked" { by: Vec<String> }
    GroupInvalidated = "group.invalidated" {
        reason: Invalid, brief: String,
        /// Its work is judged again as it is, and only built again if it is not good any more.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        judge_first: bool,
    }
    GroupAborted = "group.aborted" { reason: String }
    CandidateBuilt = "candidate.built" { tip: Oid, head: Oid, commit: Oid, tree: Oid }
    /// The intent to move the integration ref; written before it moves.
    MergeStarted = "merge.started" {
        old: Oid, new: Oid, tested_commit: Oid, tree: Oid, head: Oid,
        /// The machine's boot id: refs are not synced, so one that went back under another boot
        /// was lost with the power and not moved by a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        boot: Option<String>,
    }
    MergeLanded = "merge.landed" {
        old: Oid, new: Oid, tested_commit: Oid, tree: Oid, head: Oid,
        /// As in `merge.started`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        boot: Option<String>,
    }
    MergeConflict = "merge.conflict" { tip: Oid, head: Oid, conflicts: Vec<Conflict> }
    MergeRedundant = "merge.redundant" { head: Oid, held_by: Oid }
    MergeRefused = "merge.refused" { tip: Oid, head: Oid, reason: String }
    /// A person moved the integration ref, and another said that it counts.
    MergeAdopted = "merge.adopted" { old: Oid, new: Oid, tree: Oid }
    WorkArchived = "work.archived" { name: String, commit: Oid }
    AuditStarted = "audit.started" {
        round: u32, tip: Oid, scope: AuditScope,
        /// Absent where it was written before audits had modes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<AuditMode>,
        /// The spec that it judges by; an amendment makes it stale.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spec: Option<Sha256>,
        /// Scenarios, and other files among them, that are not part of this exam, and why.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left_out: Vec<LeftOut>,
    }
    AuditChecked = "audit.check.finished" {
        round: u32, check: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scenario: Option<Scenario>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<Asked>,
        outcome: Json,
        /// As in `group.check.finished`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<Json>,
    }
    AuditFinding = "audit.finding" { round: u32, finding: Finding }
    AuditFinished = "audit.finished" {
        round: u32, tip: Oid, certifier: Certifier,
        /// Who attacked the product; absent where the mode asks for nobody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        adversary: Option<Certifier>,
    }
    RepairStarted = "repair.started" {
        key: String, findings: Vec<String>, round: u32,
        /// Fingerprints of what failed: with the group, what the ledger goes by.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        failures: Vec<Sha256>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        strategy: Option<Strategy>,
    }
    RepairFinished = "repair.finished" { key: String, outcome: String }
    /// Nothing more is repaired of what the full audit `round` found.
    RepairStopped = "repair.stopped" { round: u32, reason: Halt, failures: Vec<Sha256> }
    /// The intent to ask the pilot: nobody asks again at the same boundary.
    PilotAsked = "pilot.asked" { boundary: String, after: After, number: u32, provider: String }
    PilotDecided = "pilot.decided" {
        boundary: String,
        accepted: Decision,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dropped: Vec<Dropped>,
        /// Why there is no answer: it goes on as if there were no pilot.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    }
    /// A durable wake-up: until then nobody asks this provider.
    ProviderWaiting = "provider.waiting" { provider: String, until: String, class: String }
    ProviderWoken = "provider.woken" {
        provider: String,
        /// A person who did not want to wait.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    }
    ServiceStarted = "service.started" { service: String, port: u16 }
    ServiceStopped = "service.stopped" { service: String }
    RunPaused = "run.paused" { reason: String }
    RunResumed = "run.resumed" { changes: BTreeMap<String, String> }
    RunAborted = "run.aborted" { reason: String }
    RunFinished = "run.finished" { exit: u8 }
    LandStarted = "land.started" {
        target: String, old: Oid, new: Oid, checked_out: bool,
        /// A verdict that is not `passed` and was accepted by name, and who did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accepted: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    }
    LandLanded = "land.landed" { target: String, old: Oid, new: Oid }
    LandRefused = "land.refused" { target: String, reason: String }
    /// A turn's usage; what the provider did not report is absent, never 0.
    BudgetSpent = "budget.spent" {
        role: String,
        usage: Usage,
        /// The turn goes on: what it has used since its last record. Its end adds the rest.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        partial: bool,
        /// Which turn of its role, where no attempt of a group says so: the number of the event
        /// that it began after.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn: Option<u64>,
    }
}

impl AttemptFinished {
    /// Nothing was made, or nothing was kept of it.
    pub fn interrupted() -> Self {
        Self {
            outcome: AttemptOutcome::Interrupted,
            commit: None,
            tree: None,
            files: 0,
            violations: Vec::new(),
            left_out: Vec::new(),
            fingerprint: None,
            brief: String::new(),
            turn: "interrupted".into(),
            claim: String::new(),
            duration_s: 0.0,
            boot: None,
            conversation: None,
        }
    }
}

impl AttemptFinished {
    /// As people are told: words and names go through `tell`, and nothing compares them any more.
    #[must_use]
    pub fn retold(mut self, tell: impl Fn(&str) -> String) -> Self {
        for text in self.violations.iter_mut().flat_map(|v| [&mut v.path, &mut v.why]) {
            *text = tell(text);
        }
        for text in self.left_out.iter_mut().chain([&mut self.brief, &mut self.turn]) {
            *text = tell(text);
        }
        self
    }
}

/// On what a check ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckPhase {
    Base,
    Attempt,
    Candidate,
}

impl CheckPhase {
    pub fn word(self) -> &'static str {
        match self {
            CheckPhase::Base => "base",
            CheckPhase::Attempt => "attempt",
            CheckPhase::Candidate => "candidate",
        }
    }
}

/// Why a group that was passing has to be built again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invalid {
    Conflict,
    RedCandidate,
    /// What its merge changes is not its to change.
    Violation,
    SpecChanged,
    Again,
    /// It had failed, and the pilot wants it tried again.
    Pilot,
}

impl Event {
    /// Events whose effect somebody relies on are synced before it; the rest is chatter.
    pub fn is_decision(&self) -> bool {
        !matches!(
            self,
            Event::GroupChecked(_)
                | Event::CheckMutated(_)
                | Event::GroupStarted(_)
                | Event::AuditChecked(_)
                | Event::WorktreeLeased(_)
                | Event::WorktreeReturned(_)
                | Event::BudgetSpent(_)
                | Event::CandidateBuilt(_)
                | Event::ServiceStarted(_)
                | Event::ServiceStopped(_)
        )
    }
}
