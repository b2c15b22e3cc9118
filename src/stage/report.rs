//! What a stage tells while it works: items for programs, sentences for people.

use serde::Serialize;

use crate::base::Json;
use crate::git::Oid;
use crate::session::event::{Decision, Dropped, Finding};

/// One line of a stage's output, after the session handle and before the end.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "otto", rename_all = "snake_case")]
pub enum Item {
    Spec {
        sha256: String,
        features: usize,
        groups: usize,
        approved: bool,
    },
    /// A group reached an end state of the build.
    Group {
        group: String,
        state: &'static str,
        attempts: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        commit: Option<Oid>,
        #[serde(skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    Landing {
        group: String,
        outcome: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        old: Option<Oid>,
        #[serde(skip_serializing_if = "Option::is_none")]
        new: Option<Oid>,
        #[serde(skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    Check {
        check: String,
        /// `base`, `attempt`, `candidate`, `audit` or `hand`.
        phase: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        outcome: Json,
        cached: bool,
    },
    /// Whether a check turned red without the work that it speaks for.
    Control {
        check: String,
        group: String,
        /// `turned_red`, `evidence_of_nothing` or `not_run`.
        control: &'static str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        kept: Vec<String>,
        why: String,
    },
    Finding {
        finding: Finding,
    },
    /// Where failures are sent to be repaired: each finding with the reason.
    Repair {
        group: String,
        key: String,
        strategy: &'static str,
        findings: Vec<(String, String)>,
    },
    /// What the pilot said and what became of it.
    Pilot {
        boundary: String,
        accepted: Decision,
        dropped: Vec<Dropped>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    Verdict {
        verdict: String,
        tip: Option<Oid>,
        reasons: Vec<String>,
    },
    Proof {
        json: String,
        html: String,
        verdict: String,
    },
}

/// Where a stage reports to. Shared by the threads of a stage.
pub trait Report: Sync {
    fn item(&self, item: &Item);
    /// A sentence for whoever watches.
    fn say(&self, text: &str);
}

/// For calls whose caller reads the journal instead.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Report for Silent {
    fn item(&self, _item: &Item) {}
    fn say(&self, _text: &str) {}
}
