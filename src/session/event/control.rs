//! The negative control of a check.

use serde::{Deserialize, Serialize};

/// What a negative control showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    TurnedRed,
    /// It is green with the work and without it.
    EvidenceOfNothing,
    NotRun,
}

impl Control {
    pub fn word(self) -> &'static str {
        match self {
            Control::TurnedRed => "turned_red",
            Control::EvidenceOfNothing => "evidence_of_nothing",
            Control::NotRun => "not_run",
        }
    }
}
