//! What is recorded of an audit: how deep it looks, what it found, and who judged.

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::base::{Json, Sha256};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditScope {
    Full,
    /// Only what failed before, after a repair.
    Narrowed,
}

/// How deep an audit looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditMode {
    /// Checks and scenarios; nobody is asked.
    Fast,
    /// And the certifier.
    Standard,
    /// And somebody who attacks the product.
    Thorough,
}

impl AuditMode {
    pub const WORDS: [&str; 3] = ["fast", "standard", "thorough"];

    pub fn word(self) -> &'static str {
        match self {
            AuditMode::Fast => "fast",
            AuditMode::Standard => "standard",
            AuditMode::Thorough => "thorough",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub id: String,
    pub title: String,
    pub features: Vec<String>,
    pub severity: Severity,
    /// Whether the builders could not have read it.
    pub held_out: bool,
    pub sha256: Sha256,
}

/// A check that is not of the spec: somebody who judges asked for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    pub by: Judge,
    /// Which turn of that judge asked, from 1.
    pub turn: u32,
    /// The check as it was asked for.
    pub check: Json,
    /// It showed a failure in an earlier audit, and counts like a check of the spec now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// Who judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judge {
    Certifier,
    /// Attacks the product, in the mode `thorough`.
    Adversary,
}

impl Judge {
    pub fn word(self) -> &'static str {
        match self {
            Judge::Certifier => "certifier",
            Judge::Adversary => "adversary",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Critical,
    Important,
    Polish,
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Important => "important",
            Severity::Polish => "polish",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// With a reproduction that Otto has run.
    ProductFailure,
    /// Evidence is missing.
    ProofGap,
    Scope,
    Opinion,
}

impl FindingKind {
    pub fn word(self) -> &'static str {
        match self {
            FindingKind::ProductFailure => "product failure",
            FindingKind::ProofGap => "proof gap",
            FindingKind::Scope => "scope",
            FindingKind::Opinion => "opinion",
        }
    }
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    pub id: String,
    pub kind: FindingKind,
    pub severity: Severity,
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The check whose failure shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reproduction: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// How a finding of the kind `scope` is beyond the spec; absent where that was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<Beyond>,
    /// How a product failure failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Something in the folder of scenarios that is not part of an audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Id of a scenario, or name of a file.
    pub what: String,
    pub why: String,
}

/// How something is beyond the spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Beyond {
    /// The spec rules it out, by this non-goal.
    RuledOut { non_goal: String },
    /// The spec does not speak of it.
    Unasked,
}

/// Who judged the product besides the checks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Certifier {
    /// None is configured.
    None,
    Asked(Answered),
    /// It gave no answer that could be read.
    Failed {
        provider: String,
        why: String,
    },
    /// A narrowed audit does not ask, nor does the mode `fast`.
    NotAsked,
}

/// What counts of a judge's answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    pub provider: String,
    /// How many citations of evidence that does not exist, or that Otto did not capture.
    pub struck: u32,
    /// Which they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Struck>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Judgement>,
    /// What an adversary looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coverage: Vec<Covered>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turns: u32,
    /// Checks that it asked for and Otto ran.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub probes: u32,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// A citation that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Struck {
    pub cited: String,
    /// `feature <id>` or `finding <n>`.
    pub by: String,
}

/// A judge's word about one feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    pub feature: String,
    pub word: JudgedWord,
    pub severity: Severity,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// What stands of its citations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgedWord {
    Passed,
    Failed,
    Partial,
    Missing,
    /// It said `passed` and cited nothing that stands: no word.
    Nothing,
}

impl JudgedWord {
    pub fn word(self) -> &'static str {
        match self {
            JudgedWord::Passed => "passed",
            JudgedWord::Failed => "failed",
            JudgedWord::Partial => "partial",
            JudgedWord::Missing => "missing",
            JudgedWord::Nothing => "nothing that counts",
        }
    }
}

/// What an adversary says of one risk: the probes with which it looked, or why there is nothing to
/// look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Covered {
    pub risk: Risk,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub not_applicable: String,
}

/// What an adversary has to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    Injection,
    Authorisation,
    Isolation,
    BadInput,
    Concurrency,
}

impl Risk {
    pub const ALL: [Risk; 5] =
        [Risk::Injection, Risk::Authorisation, Risk::Isolation, Risk::BadInput, Risk::Concurrency];

    pub fn word(self) -> &'static str {
        match self {
            Risk::Injection => "injection",
            Risk::Authorisation => "authorisation",
            Risk::Isolation => "isolation",
            Risk::BadInput => "bad_input",
            Risk::Concurrency => "concurrency",
        }
    }

    /// The same for people.
    pub fn said(self) -> &'static str {
        match self {
            Risk::BadInput => "bad input",
            Risk::Injection | Risk::Authorisation | Risk::Isolation | Risk::Concurrency => {
                self.word()
            }
        }
    }

    /// What is looked at, for whoever looks.
    pub fn what(self) -> &'static str {
        match self {
            Risk::Injection => {
                "input that is taken for code, a query, a path, markup or a command, wherever input goes in"
            }
            Risk::Authorisation => "doing what only somebody else, or somebody signed in, may do",
            Risk::Isolation => "seeing or changing the data of another user, tenant or project",
            Risk::BadInput => {
                "input that is empty, huge, malformed, of the wrong type or encoding, negative, or there twice"
            }
            Risk::Concurrency => {
                "the same thing done twice at once: lost updates, double spending, torn files"
            }
        }
    }
}
