//! What a change of a path can break.

use serde::{Deserialize, Serialize};

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
