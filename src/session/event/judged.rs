//! How attempts end.

use serde::{Deserialize, Serialize};

use super::Rule;

/// How an attempt ended, judged from the tree and the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    Passing,
    /// A check is red.
    ChecksFailed,
    /// It wrote where it may not.
    Violation,
    /// Nothing differs from the base.
    NoChange,
    /// The turn failed before there was anything to judge.
    TurnFailed,
    Interrupted,
}

impl AttemptOutcome {
    pub fn word(self) -> &'static str {
        match self {
            AttemptOutcome::Passing => "passing",
            AttemptOutcome::ChecksFailed => "checks failed",
            AttemptOutcome::Violation => "wrote outside its paths",
            AttemptOutcome::NoChange => "no change",
            AttemptOutcome::TurnFailed => "turn failed",
            AttemptOutcome::Interrupted => "interrupted",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    pub path: String,
    #[serde(default)]
    pub rule: Rule,
    pub why: String,
}
