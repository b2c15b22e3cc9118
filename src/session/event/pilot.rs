//! What the pilot proposed and what was accepted of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Way;

/// After what the pilot is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    Build,
    Audit,
}

impl After {
    pub fn word(self) -> &'static str {
        match self {
            After::Build => "build",
            After::Audit => "audit",
        }
    }
}

/// What becomes of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    Retry,
    RetryDifferent,
    /// Not tried again in this run.
    Skip,
}

impl Course {
    pub const ALL: [Course; 3] = [Course::Retry, Course::RetryDifferent, Course::Skip];

    pub fn word(self) -> &'static str {
        match self {
            Course::Retry => "retry",
            Course::RetryDifferent => "retry_different",
            Course::Skip => "skip",
        }
    }

    /// How it is tried, if it is.
    pub fn way(self) -> Option<Way> {
        match self {
            Course::Retry => Some(Way::Retry),
            Course::RetryDifferent => Some(Way::RetryDifferent),
            Course::Skip => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupPlan {
    pub strategy: Course,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub guidance: String,
}

/// What the pilot thinks went wrong: stored for people, believed by nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Analysis {
    pub group: String,
    pub cause: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence: String,
}

/// A text for named groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Routed {
    pub to: Vec<String>,
    pub text: String,
}

/// The valid parts of an answer; each may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failure_analysis: Vec<Analysis>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, GroupPlan>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<Routed>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learnings: Vec<String>,
    /// Groups that are built together, one batch after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<Vec<String>>,
}

/// A part of an answer that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropped {
    /// Where in the answer, as a JSON path.
    pub path: String,
    pub why: String,
}
