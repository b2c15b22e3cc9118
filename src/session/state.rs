//! What follows from the events. Only [`State::apply`] (in `fold`) changes it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::event::{
    After, Asked, AttemptOutcome, AuditMode, AuditScope, Certifier, CheckPhase, Control,
    Conversation, Course, Decision, Finding, Halt, Invalid, LeftOut, MergeStarted, Scenario,
    Strategy, Usage, Violation,
};
use super::red::Red;
use crate::base::{Json, Sha256};
use crate::git::Oid;

/// The state of one session.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub events: u64,
    pub head: Option<Sha256>,
    /// Hash of `session.json`.
    pub record_sha256: Option<Sha256>,
    pub created_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// Seconds in which somebody worked on it.
    pub worked_s: f64,
    /// A kind that this program does not know was met: it may read and must not append.
    pub unknown_kind: Option<String>,
    pub base: Option<Oid>,
    pub target: Option<String>,
    pub spec: SpecState,
    pub spec_version: u32,
    /// Content hash of every version of the spec.
    pub spec_versions: BTreeMap<u32, Sha256>,
    /// Hash of the file of every version, where it was recorded.
    pub spec_files: BTreeMap<u32, Sha256>,
    /// Hash of every link of the amendment chain, where it was recorded.
    pub spec_links: Vec<Option<Sha256>>,
    /// How often it was compiled again because somebody asked for changes.
    pub recompiled: u32,
    /// What builders want of the spec; the first one is number 1.
    pub requests: Vec<Request>,
    /// Shared, so that a copy of the state costs little however many groups there are.
    pub groups: BTreeMap<String, Arc<GroupState>>,
    pub landings: Vec<Landing>,
    /// The new tips of [`State::landings`], to know one again without going through them.
    pub(crate) landed: HashSet<Oid>,
    /// A landing that was announced and not yet recorded as done.
    pub open_landing: Option<OpenLanding>,
    /// What the newest negative control of each check showed, and at which commit.
    pub controls: BTreeMap<String, (Control, Option<Oid>)>,
    pub audits: Vec<Audit>,
    pub repairs: Vec<Repair>,
    /// How many of them there were when the run was finished for the last time.
    pub repairs_before: usize,
    /// The same for [`State::audits`], without the last one: the next run begins with it.
    pub audits_before: usize,
    /// The full audit of which nothing more is repaired, and why.
    pub halted: Option<(u32, Halt)>,
    /// What the pilot was asked, in order.
    pub pilot: Vec<PilotCall>,
    /// Groups that are built together, one batch after the other, as the pilot said last.
    pub batches: Vec<Vec<String>>,
    pub run: RunState,
    /// Who asked to wait, by provider. One whose time has come is no longer in the way: see
    /// [`State::waiting`].
    pub waits: BTreeMap<String, Waiting>,
    /// What providers have refused since they last worked.
    pub refusals: BTreeMap<String, Refusals>,
    pub land: LandState,
    pub usage_by_role: BTreeMap<String, Usage>,
    pub usage_by_group: BTreeMap<String, Usage>,
    pub archived: Vec<(String, Oid)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SpecState {
    #[default]
    None,
    /// Valid, and waiting for a person.
    Compiled {
        sha256: Sha256,
    },
    Approved {
        sha256: Sha256,
        /// The hash that a person or the policy said yes to; amendments lead on from it.
        first: Sha256,
        by: String,
        at: Timestamp,
    },
    Rejected {
        note: String,
    },
}

/// What a builder wants of the spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub group: String,
    pub attempt: Option<u32>,
    pub at: Timestamp,
    pub reason: String,
    pub wish: String,
    /// A change that can be accepted as it is.
    pub change: Option<Json>,
    /// Why it was refused at once.
    pub problems: Vec<String>,
    pub sha256: Sha256,
    pub answer: Option<Answer>,
}

/// What a person said to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub accepted: bool,
    pub by: String,
    pub note: String,
}

impl Request {
    /// A person has to decide.
    pub fn is_open(&self) -> bool {
        self.problems.is_empty() && self.answer.is_none()
    }
}

/// One group, as the events tell it.
#[derive(Debug, Clone, Default)]
pub struct GroupState {
    pub phase: Phase,
    pub attempts: Vec<Attempt>,
    /// Attempts since the group was last sent back; what the limit counts.
    pub tries: u32,
    /// How often it was sent back by the queue.
    pub sent_back: u32,
    /// The newest outcome of each check, by phase.
    pub checks: BTreeMap<(CheckPhase, String), Json>,
    /// Those of the newest attempt, and of the newest candidate, alone.
    pub judged: BTreeMap<CheckPhase, Red>,
    /// The newest landing; a group that is being repaired still has it.
    pub landed: Option<Landing>,
    /// The repair that reopened it, and the phase that it has again when that comes to nothing.
    pub repair: Option<String>,
    pub before_repair: Option<Phase>,
    /// The phase before the attempt that is open.
    pub before_attempt: Option<Phase>,
    /// The spec asks for other work since that attempt began: what it makes is kept, and is not it.
    pub overtaken: bool,
    /// What the pilot said of it last, in this run.
    pub course: Option<Course>,
    /// How often the pilot took it up again.
    pub taken_up: u32,
    /// Attempts before this one say nothing about progress any more.
    pub judged_from: usize,
    /// Attempts before this one are not gone on from, neither their work nor their conversation.
    pub set_aside: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Pending,
    Building {
        attempt: u32,
    },
    /// Built and checked; may land when its dependencies have.
    Passing {
        commit: Oid,
        tree: Oid,
        base: Oid,
    },
    Failed {
        reason: String,
    },
    Blocked {
        by: Vec<String>,
    },
    /// Sent back to its builder.
    Invalidated {
        reason: Invalid,
        brief: String,
        /// What is there is judged before anybody is called.
        judge_first: bool,
    },
    Landed,
    Redundant {
        held_by: Oid,
    },
    Aborted {
        reason: String,
    },
}

impl Phase {
    pub fn word(&self) -> &'static str {
        match self {
            Phase::Pending => "pending",
            Phase::Building { .. } => "building",
            Phase::Passing { .. } => "passing",
            Phase::Failed { .. } => "failed",
            Phase::Blocked { .. } => "blocked",
            Phase::Invalidated { .. } => "sent back",
            Phase::Landed => "landed",
            Phase::Redundant { .. } => "redundant",
            Phase::Aborted { .. } => "aborted",
        }
    }

    /// Nothing that is already recorded moves it on; only a repair, or a spec that asks for other
    /// work, reopens a landed one (I8).
    pub fn is_terminal(&self) -> bool {
        match self {
            Phase::Landed | Phase::Redundant { .. } | Phase::Aborted { .. } => true,
            Phase::Pending
            | Phase::Building { .. }
            | Phase::Passing { .. }
            | Phase::Failed { .. }
            | Phase::Blocked { .. }
            | Phase::Invalidated { .. } => false,
        }
    }

    /// Its work is in the product.
    pub fn is_in(&self) -> bool {
        matches!(self, Phase::Landed | Phase::Redundant { .. })
    }

    /// Dependents may start on it: a different question from "is it settled".
    pub fn satisfies_dependents(&self) -> bool {
        self.is_in() || matches!(self, Phase::Passing { .. })
    }
}

#[derive(Debug, Clone)]
pub struct Attempt {
    pub number: u32,
    pub role: String,
    pub base: Oid,
    pub start: Oid,
    pub dep_heads: BTreeMap<String, Oid>,
    pub provider: String,
    /// What its agent was told.
    pub spec: Sha256,
    pub started: Timestamp,
    pub finished: Option<AttemptEnd>,
}

#[derive(Debug, Clone)]
pub struct AttemptEnd {
    pub at: Timestamp,
    pub outcome: AttemptOutcome,
    pub commit: Option<Oid>,
    pub tree: Option<Oid>,
    pub files: u32,
    pub violations: Vec<Violation>,
    pub left_out: Vec<String>,
    pub fingerprint: Option<Sha256>,
    pub brief: String,
    pub turn: String,
    pub claim: String,
    pub duration_s: f64,
    pub boot: Option<String>,
    pub conversation: Option<Conversation>,
}

/// The integration ref moved from `old` to `new`, which has the tree that was tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    pub group: String,
    pub attempt: Option<u32>,
    pub old: Oid,
    pub new: Oid,
    pub tested_commit: Oid,
    pub tree: Oid,
    pub head: Oid,
    pub at: Timestamp,
    pub boot: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct OpenLanding {
    pub group: String,
    pub attempt: Option<u32>,
    pub intent: MergeStarted,
    pub at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Audit {
    pub round: u32,
    pub tip: Oid,
    pub scope: AuditScope,
    pub mode: Option<AuditMode>,
    pub spec: Option<Sha256>,
    pub left_out: Vec<LeftOut>,
    pub checks: Vec<AuditCheck>,
    pub findings: Vec<Finding>,
    /// What the certifier was, once the audit is over.
    pub finished: Option<Certifier>,
    /// Who attacked the product, where the mode wants that.
    pub adversary: Option<Certifier>,
}

#[derive(Debug, Clone)]
pub struct AuditCheck {
    pub check: String,
    pub scenario: Option<Scenario>,
    pub asked: Option<Asked>,
    pub outcome: Json,
}

#[derive(Debug, Clone)]
pub struct Repair {
    pub key: String,
    pub group: String,
    pub findings: Vec<String>,
    pub round: u32,
    /// Fingerprints of what failed; none where an older version did not record them.
    pub failures: Vec<Sha256>,
    pub strategy: Strategy,
    pub outcome: Option<String>,
}

/// One question to the pilot.
#[derive(Debug, Clone)]
pub struct PilotCall {
    /// Names the state in which it is asked.
    pub boundary: String,
    pub after: After,
    pub number: u32,
    pub provider: String,
    /// `None`: a kill came between the question and its answer.
    pub decided: Option<Decided>,
}

#[derive(Debug, Clone)]
pub struct Decided {
    pub accepted: Decision,
    pub dropped: usize,
    pub error: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RunState {
    #[default]
    Open,
    Paused {
        reason: String,
    },
    Finished {
        exit: u8,
    },
    Aborted {
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub until: Timestamp,
    pub class: String,
    /// The event that says so: a turn that began before it knows nothing of it.
    pub seq: u64,
}

/// How often a provider asked to wait since it last worked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusals {
    /// By the class of the error. Turns at the same time that meet the same limit count once.
    pub times: BTreeMap<String, u32>,
    /// The event of the newest one.
    pub last: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LandState {
    #[default]
    No,
    /// Announced; a kill left it open.
    Started {
        target: String,
        old: Oid,
        new: Oid,
        checked_out: bool,
    },
    Landed {
        target: String,
        new: Oid,
    },
}

impl State {
    pub fn group(&self, gid: &str) -> Option<&GroupState> {
        self.groups.get(gid).map(Arc::as_ref)
    }

    pub fn phase(&self, gid: &str) -> Phase {
        self.groups.get(gid).map(|g| g.phase.clone()).unwrap_or_default()
    }

    /// Where the journal says that the integration ref is; the base before the first landing.
    pub fn tip(&self) -> Option<Oid> {
        self.landings.last().map(|l| l.new).or(self.base)
    }

    pub fn approved(&self) -> Option<Sha256> {
        match &self.spec {
            SpecState::Approved { sha256, .. } => Some(*sha256),
            SpecState::None | SpecState::Compiled { .. } | SpecState::Rejected { .. } => None,
        }
    }

    /// Requests that a person has to decide about, with their numbers.
    pub fn open_requests(&self) -> impl Iterator<Item = (usize, &Request)> {
        self.requests.iter().enumerate().map(|(i, r)| (i + 1, r)).filter(|(_, r)| r.is_open())
    }

    /// The newest audit of everything, by the spec as it is now.
    pub fn last_full_audit(&self) -> Option<&Audit> {
        self.audits.iter().rev().find(|a| {
            let by_this_spec = a.spec.is_none() || a.spec == self.approved();
            a.scope == AuditScope::Full && a.finished.is_some() && by_this_spec
        })
    }

    /// Who is to be waited for at that time.
    pub fn waiting(&self, now: Timestamp) -> impl Iterator<Item = (&String, &Waiting)> {
        self.waits.iter().filter(move |(_, wait)| wait.until > now)
    }

    pub fn total_usage(&self) -> Usage {
        let mut total = Usage::default();
        for usage in self.usage_by_role.values() {
            total.add(usage);
        }
        total
    }
}

impl GroupState {
    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// An attempt that was started and whose end nobody recorded.
    pub fn open_attempt(&self) -> Option<&Attempt> {
        self.attempts.last().filter(|a| a.finished.is_none())
    }

    /// The number of the next attempt, counted from 1.
    pub fn next_attempt(&self) -> u32 {
        self.attempts.last().map_or(0, |a| a.number) + 1
    }
}
