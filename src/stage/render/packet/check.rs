//! Checks that ran, and what they left behind.

use serde::{Deserialize, Serialize};

use super::Purpose;
use crate::base::Sha256;

/// One run of one check, bound to the tree it ran on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckRun {
    pub id: String,
    pub kind: String,
    pub purpose: Purpose,
    /// `null` for a check of the product as a whole.
    pub group: Option<String>,
    /// Features that it is evidence for.
    pub features: Vec<String>,
    pub phase: Phase,
    pub outcome: CheckOutcome,
    /// Typed reason of an outcome that is not `passed`, for example `zero_tests`; may be empty.
    pub reason: String,
    /// The same for people; may be empty.
    pub detail: String,
    /// `null` when the check counts no tests and is judged otherwise.
    pub tests: Option<Tests>,
    pub exit: Option<i32>,
    /// Wall time in seconds.
    pub duration_s: f64,
    pub commit: String,
    pub tree: String,
    /// What ran, as a line that a person may copy.
    pub command: String,
    /// What was to be observed, one expectation a line; absent where tests decide.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expects: Vec<String>,
    pub evidence: Vec<Evidence>,
    /// Failed, then passed when run again.
    pub flaky: bool,
    /// Not run again: this is the result of an earlier run on the same tree.
    #[serde(default, skip_serializing_if = "is_not")]
    pub cached: bool,
}

/// Where in the story a check ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// On the group's base: an acceptance check must not pass here.
    Base,
    /// On the group's own work.
    Attempt,
    /// On the merge that was about to land.
    Candidate,
    /// On the integrated product.
    Audit,
    /// A scenario, on the integrated product.
    Scenario,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    Passed,
    Failed,
    NotRun,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tests {
    pub run: u64,
    pub failed: u64,
    pub skipped: u64,
}

/// Captured output, kept under its hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    pub sha256: Sha256,
    /// Size of the whole, in bytes.
    pub bytes: u64,
    /// The part of it worth reading here; may be empty for what is not text.
    pub excerpt: String,
    /// Whether the capture itself was cut, not only the excerpt.
    pub truncated: bool,
    /// Whether it is a PNG or JPEG file.
    #[serde(default, skip_serializing_if = "is_not")]
    pub picture: bool,
}

fn is_not(flag: &bool) -> bool {
    !flag
}
