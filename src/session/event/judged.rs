//! How attempts end, and the rules that they may break.

use serde::{Deserialize, Serialize};

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

/// The rule that a change breaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Recorded before rules had names.
    #[default]
    Unstated,
    /// Nobody's, or another group's.
    NotOwned,
    Protected,
    /// A contract allows less.
    Contract,
    /// It defines a gate, and the group owns it by a catch-all at most.
    Gate,
    /// A name that no glob can own.
    Name,
    /// It differs only in upper and lower case from a file that is there.
    Case,
    /// A link out of the tree.
    LinkOut,
    Submodule,
    /// A filter program that is not allowed.
    Filter,
    /// What is there cannot be committed.
    Folder,
}

impl Rule {
    pub fn word(self) -> &'static str {
        match self {
            Rule::Unstated => "unstated",
            Rule::NotOwned => "not_owned",
            Rule::Protected => "protected",
            Rule::Contract => "contract",
            Rule::Gate => "gate",
            Rule::Name => "name",
            Rule::Case => "case",
            Rule::LinkOut => "link_out",
            Rule::Submodule => "submodule",
            Rule::Filter => "filter",
            Rule::Folder => "folder",
        }
    }
}
