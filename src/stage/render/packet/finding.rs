//! What the audit looked at, what it found, and what was mended.

use serde::{Deserialize, Serialize};

use super::{Judged, StruckCitation};
use crate::base::Sha256;

/// The examination of the integrated product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    pub outcome: AuditOutcome,
    /// In plain words; may be empty when it passed.
    pub reason: String,
    pub rounds: u32,
    /// The provider that looked for failures; `null` when the audit was deterministic.
    pub certifier: Option<String>,
    pub scenarios: Vec<Scenario>,
    /// Citations that it took back: what they named is not there, or Otto did not capture it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub struck: u32,
    /// Which citations they were, where that was recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub struck_citations: Vec<StruckCitation>,
    /// What judges said of the features.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub judged: Vec<Judged>,
    /// How deep it looked: `fast`, `standard` or `thorough`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Checks of the spec that it did not run, since their group's work is not in the product.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The provider that attacked the product, in the mode `thorough`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adversary: Option<String>,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    Passed,
    Failed,
    NotRun,
}

/// A check that was written apart from the spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub id: String,
    pub title: String,
    pub features: Vec<String>,
    pub severity: Severity,
    /// Hash of the scenario's content.
    pub sha256: Sha256,
    pub visibility: Visibility,
    /// Id of its run among the packet's checks; `null` when it did not run.
    pub check: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// No builder could read it.
    HeldOut,
    /// A builder could have read it, so it proves less.
    VisibleToBuilders,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    pub kind: FindingKind,
    pub severity: Severity,
    pub text: String,
    pub feature: Option<String>,
    pub group: Option<String>,
    /// How to see it, step by step.
    pub reproduction: Option<String>,
    pub repaired: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The product does something wrong, with a reproduction. The only kind that is repaired.
    ProductFailure,
    /// Something is not shown.
    ProofGap,
    /// Something was built that nobody asked for, or the other way round.
    Scope,
    Opinion,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Critical,
    High,
    Medium,
    Low,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repair {
    /// Key in the repair ledger.
    pub key: String,
    /// What was to be mended.
    pub subject: String,
    /// The group whose owner mended it.
    pub group: Option<String>,
    pub attempts: u32,
    pub outcome: RepairOutcome,
    /// Why it ended so; may be empty.
    pub reason: String,
    /// The landing that holds the repair.
    pub commit: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepairOutcome {
    Repaired,
    NotRepaired,
    Running,
}
