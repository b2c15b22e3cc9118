//! How the product came to be: groups, attempts, landings, events.

use serde::{Deserialize, Serialize};

use super::{At, Usage};

/// Unit of dispatch: one agent owned it end to end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub id: String,
    pub title: String,
    pub deps: Vec<String>,
    pub state: GroupState,
    /// Why it is in that state, where that is not obvious; may be empty.
    pub reason: String,
    pub attempts: Vec<Attempt>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupState {
    /// Not begun.
    Waiting,
    Running,
    /// Its own checks pass; it has not landed.
    Passing,
    Landed,
    /// The integration ref already held its work.
    Redundant,
    Failed,
    /// Something that it depends on did not pass.
    Blocked,
    Aborted,
}

/// One agent turn on one group, ending in a tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    /// `build`, `fix`, `merge`, or `manual` when a person did it.
    pub role: String,
    pub started: At,
    /// `null` while it runs, or when it was cut off and nobody saw it end.
    pub finished: Option<At>,
    pub outcome: AttemptOutcome,
    /// Why it ended so; may be empty.
    pub reason: String,
    pub provider: Option<String>,
    /// What the agent said that it did: a claim, not evidence.
    pub summary: String,
    pub files_changed: Vec<String>,
    /// Paths that the agent made and the commit does not hold.
    pub left_out: Vec<PathNote>,
    /// Paths that it changed and must not.
    pub violations: Vec<PathNote>,
    pub commit: Option<String>,
    pub usage: Usage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    Running,
    /// The group's checks pass on its tree.
    Passed,
    /// A check is red.
    Failed,
    /// It changed what it must not change.
    Violation,
    /// It changed nothing.
    Empty,
    /// Killed, out of time or money, or cut off.
    Interrupted,
    /// The provider failed.
    ProviderError,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathNote {
    pub path: String,
    pub why: String,
}

/// One step of the integration ref.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Landing {
    /// `null` for a sync with the target.
    pub group: Option<String>,
    pub old: String,
    pub new: String,
    /// The candidate that was checked; its tree is the one that landed.
    pub tested_commit: String,
    pub tree: String,
    pub at: At,
    pub subject: String,
}

/// Something worth a mark on the timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub at: At,
    pub group: Option<String>,
    /// In plain words.
    pub label: String,
    /// The journal's kind, for example `merge.landed`.
    pub kind: String,
}
