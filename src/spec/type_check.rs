//! `type_check`: the project's own type checker finds nothing, and looked at something.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A run of the project's type checker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TypeCheck {
    /// Program and arguments; never a shell line.
    pub argv: Vec<String>,
    /// Whose report it is, where the command does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checker: Option<Checker>,
    /// The fewest files (crates, for `cargo`) that it must have looked at.
    #[serde(default = "one")]
    pub files: u64,
}

fn one() -> u64 {
    1
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Checker {
    Tsc,
    Mypy,
    Pyright,
    Cargo,
    Go,
}

impl Checker {
    pub fn name(self) -> &'static str {
        match self {
            Checker::Tsc => "tsc",
            Checker::Mypy => "mypy",
            Checker::Pyright => "pyright",
            Checker::Cargo => "cargo",
            Checker::Go => "go",
        }
    }

    /// The checker that a command calls, and where its word stands.
    pub fn called_by(argv: &[String]) -> Option<(Checker, usize)> {
        argv.iter().enumerate().find_map(|(at, arg)| {
            let checker = match arg.rsplit('/').next().unwrap_or(arg) {
                "tsc" | "vue-tsc" => Checker::Tsc,
                "mypy" => Checker::Mypy,
                "pyright" | "basedpyright" => Checker::Pyright,
                "cargo" => Checker::Cargo,
                "go" => Checker::Go,
                _ => return None,
            };
            Some((checker, at))
        })
    }
}

impl TypeCheck {
    pub fn checker(&self) -> Option<Checker> {
        self.checker.or_else(|| Checker::called_by(&self.argv).map(|(checker, _)| checker))
    }
}
