//! `import_check`: a package can be imported by somebody who uses it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A package is imported from outside of its folder, by a program of Otto's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportCheck {
    pub language: Language,
    /// What is imported: a module (`shop.stock`), a package (`@acme/shop`, `shop/stock`), a crate, or
    /// an import path of Go.
    pub package: String,
    /// The folder of the tree that the package is found in. For `python`: the folder that holds the
    /// module; without it the module must be installed. For the others: the folder of its manifest,
    /// by default the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What must be found in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The version that it must be, to the letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// For `node`: how it is loaded.
    #[serde(default)]
    pub load: Load,
    /// The program that imports it, where it is not `python3`, `node`, `cargo` or `go`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runner: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    Python,
    Node,
    Cargo,
    Go,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    #[default]
    Import,
    Require,
    Both,
}

impl ImportCheck {
    /// The program that is called, with its arguments.
    pub fn program(&self) -> Vec<String> {
        if !self.runner.is_empty() {
            return self.runner.clone();
        }
        let program = match self.language {
            Language::Python => "python3",
            Language::Node => "node",
            Language::Cargo => "cargo",
            Language::Go => "go",
        };
        vec![program.to_owned()]
    }

    /// One line for people.
    pub fn sentence(&self) -> String {
        let names = match self.names.as_slice() {
            [] => String::new(),
            names => format!(" with {}", names.join(", ")),
        };
        let version = self.version.as_ref().map(|v| format!(" at {v}")).unwrap_or_default();
        format!("`{}`{version} can be imported{names}", self.package)
    }
}
