//! What those who judge said: an opinion, which may lower the verdict and never raises it.

use serde::{Deserialize, Serialize};

use super::Severity;
pub use crate::session::event::{Judge, JudgedWord};

/// A judge's word about one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    pub judge: Judge,
    pub provider: String,
    pub feature: String,
    /// `nothing` where it said `passed` and cited nothing that stands.
    pub word: JudgedWord,
    pub severity: Severity,
    /// In its own words; may be empty.
    pub why: String,
    /// What stands of its citations: evidence that Otto captured.
    pub evidence: Vec<String>,
}

/// A citation that was struck: there is no such evidence, or Otto did not capture it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StruckCitation {
    pub judge: Judge,
    pub cited: String,
    /// `feature <id>` or `finding <n>`.
    pub by: String,
}
