//! How a product failed, who answers for it, and in which way it was tried to mend it.

use serde::{Deserialize, Serialize};

use crate::base::Sha256;

/// How what was found failed: what tells it from another failure of the same check, and whose it
/// is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Hash of the normalised failure ([`crate::check::fingerprint`] of the audit's own run).
    pub fingerprint: Sha256,
    /// Paths of the product that the failing output names, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Why it goes to its group, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub routed: String,
}

/// How something is tried. The same failure is never tried the same way twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Going on where the last attempt ended, told what was wrong.
    #[default]
    Retry,
    /// From the product as it is, in a fresh conversation, with guidance.
    RetryDifferent,
}

impl Way {
    pub fn word(self) -> &'static str {
        match self {
            Way::Retry => "retry",
            Way::RetryDifferent => "retry_different",
        }
    }
}

/// The way, and the hash of everything that the group is told besides the failure itself: its
/// routed context and the learnings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strategy {
    pub way: Way,
    /// Absent: it is told nothing besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Sha256>,
}

/// Why repair ends although something is still wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Halt {
    /// A failure that had gone is back.
    Oscillation,
    /// What landed changed nothing about what fails.
    NoProgress,
}

impl Halt {
    pub fn word(self) -> &'static str {
        match self {
            Halt::Oscillation => "oscillation",
            Halt::NoProgress => "no progress",
        }
    }
}
