//! The types of `proof-packet.json`.
//!
//! Every key is always written, in the order of the fields below, and `null` stands for "not
//! known" or "not reported". So the same packet is the same bytes. An unknown key is an error.

mod build;
mod check;
mod finding;
mod judge;
mod time;
mod usage;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::spec::{Amendment, Purpose};
pub use build::{Attempt, AttemptOutcome, Event, Group, GroupState, Landing, PathNote};
pub use check::{CheckOutcome, CheckRun, Evidence, Phase, Tests};
pub use finding::{
    Audit, AuditOutcome, Finding, FindingKind, Repair, RepairOutcome, Scenario, Severity,
    Visibility,
};
pub use judge::{Judge, Judged, JudgedWord, StruckCitation};
pub use time::At;
pub use usage::{Bill, Usage, sum_of_known};

use super::change::Change;
use crate::base::{Error, SessionId, Sha256};

/// The version of the format that this program writes.
pub const VERSION: u32 = 1;

/// Everything that is known about one session, ready to be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofPacket {
    /// Format version, 1.
    pub v: u32,
    pub session: SessionId,
    /// The project's name, for people.
    pub project: String,
    /// What the person asked for, verbatim.
    pub intent: String,
    pub created: At,
    /// `null` while the session is open.
    pub finished: Option<At>,
    /// Program → version, for example `otto` → `0.1.0`.
    pub versions: BTreeMap<String, String>,
    pub sandbox: Sandbox,
    /// Full name of the target ref; `null` when the session has none.
    pub target: Option<String>,
    /// Commit id, full hex, as are all commits and trees below.
    pub base: String,
    /// Head of the integration ref; `null` when nothing has landed.
    pub tip: Option<String>,
    pub spec: SpecFacts,
    pub verdict: Verdict,
    /// The landing on the target that a person asked for although the verdict was not `passed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    /// In the order of the spec.
    pub features: Vec<Feature>,
    /// In the order of the spec.
    pub groups: Vec<Group>,
    /// In the order in which they landed.
    pub landings: Vec<Landing>,
    /// In the order in which they finished. The same check may appear in several phases.
    pub checks: Vec<CheckRun>,
    pub audit: Audit,
    pub findings: Vec<Finding>,
    pub repairs: Vec<Repair>,
    pub amendments: Vec<Amendment>,
    /// In the order of the journal.
    pub timeline: Vec<Event>,
    /// Role → what its turns used.
    pub usage: BTreeMap<String, Usage>,
    /// Group → the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub usage_by_group: BTreeMap<String, Usage>,
    /// What nobody has verified, in plain words.
    pub not_verified: Vec<String>,
    /// What changed since the proof of this product before; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Change>,
    pub journal: Journal,
    /// The settings that shaped this run.
    pub config: Vec<Setting>,
}

/// How builders and checks were contained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    /// The tier's name, for example `landlock`.
    pub tier: String,
    /// What it does not prevent, in plain words.
    pub limits: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecFacts {
    /// Hash of the spec's content without its amendments; `null` before there is a spec.
    pub sha256: Option<Sha256>,
    pub approval: Option<Approval>,
    /// What the product deliberately does not do.
    pub non_goals: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// `auto`, or a person.
    pub actor: String,
    pub at: At,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    pub word: Word,
    /// All of them: a stricter one never hides another.
    pub reasons: Vec<Reason>,
}

/// A verdict that is not `passed`, taken as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The verdict's word, as it was named.
    pub verdict: String,
    /// Who took it so; `null` when that was not recorded.
    pub by: Option<String>,
    /// The ref that it landed on.
    pub target: String,
}

/// The product's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    Passed,
    Unverified,
    Partial,
    Failed,
    Blocked,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    pub kind: ReasonKind,
    pub text: String,
    /// What it is about, for example `feature approve-expense` or `check audit-csv`.
    pub subject: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReasonKind {
    /// It keeps the verdict from being better than `cap`.
    Lowered { cap: Word },
    /// A limit of the evidence, which the verdict does not depend on.
    Limit,
}

/// Unit of value and of verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    pub id: String,
    pub name: String,
    pub description: String,
    pub acceptance: Vec<String>,
    pub group: String,
    pub verdict: FeatureVerdict,
    /// Why it is not `passed`, or what qualifies it.
    pub reasons: Vec<String>,
    /// Ids of the checks that are evidence for it.
    pub checks: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureVerdict {
    Passed,
    Failed,
    Partial,
    /// Its group did not land.
    Blocked,
    /// Nothing that counts was observed.
    Missing,
}

impl FeatureVerdict {
    pub fn word(self) -> &'static str {
        match self {
            FeatureVerdict::Passed => "passed",
            FeatureVerdict::Failed => "failed",
            FeatureVerdict::Partial => "partial",
            FeatureVerdict::Blocked => "blocked",
            FeatureVerdict::Missing => "missing",
        }
    }
}

/// The state of the journal when the packet was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    pub events: u64,
    /// Hash of the last event.
    pub head: Sha256,
    /// Whether `refs/otto/head/<sid>` holds the same hash.
    pub anchored: bool,
    /// Whether the anchor is signed; an unsigned chain does not survive a rewrite of both.
    pub signed: bool,
    pub chain: Chain,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum Chain {
    Intact,
    Broken { what: String },
}

/// One value of the resolved configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    pub key: String,
    pub value: String,
    /// Where it came from: `flag`, `otto.yaml`, `default`, …
    pub origin: String,
}

impl ProofPacket {
    /// `proof-packet.json` as it is written: two spaces, a line end at the end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a packet is plain data");
        text.push('\n');
        text
    }

    /// Reads what [`ProofPacket::to_json`] wrote; a newer version or an unknown key is an error
    /// (65).
    pub fn from_json(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        let bad = |e| Error::input("cannot read the proof packet").because(e);
        let Version { v } = serde_json::from_str(text).map_err(bad)?;
        if v != VERSION {
            let what = format!("the proof packet has format version {v}, not {VERSION}");
            return Err(Error::input(what).hint("use the program that wrote it, or a newer one"));
        }
        serde_json::from_str(text).map_err(bad)
    }

    /// The end of what the packet shows: when the session finished, or the last thing that is
    /// known to have happened.
    pub fn end(&self) -> At {
        let attempts = self.groups.iter().flat_map(|g| &g.attempts);
        let known = attempts
            .flat_map(|a| std::iter::once(a.started).chain(a.finished))
            .chain(self.timeline.iter().map(|e| e.at))
            .chain(self.landings.iter().map(|l| l.at))
            .chain([self.created]);
        self.finished.into_iter().chain(known).max().expect("`created` is always there")
    }
}

#[cfg(test)]
mod tests {
    use super::ProofPacket;

    const SAMPLE: &str = include_str!("../../../tests/fixtures/proof/sample.json");
    const BAD: &str = include_str!("../../../tests/fixtures/proof/bad.json");

    #[test]
    fn samples_round_trip_byte_for_byte() {
        for text in [SAMPLE, BAD] {
            let packet = ProofPacket::from_json(text).expect("a sample parses");
            assert!(packet.to_json() == text, "a sample is written as it is read");
        }
    }

    #[test]
    fn unknown_keys_and_versions_are_refused() {
        let unknown = SAMPLE.replacen("\"project\"", "\"extra\": 1, \"project\"", 1);
        let e = ProofPacket::from_json(&unknown).expect_err("an unknown key");
        assert!(e.to_string().contains("extra"), "{e}");
        let newer = SAMPLE.replacen("\"v\": 1", "\"v\": 2", 1);
        let e = ProofPacket::from_json(&newer).expect_err("a newer version");
        assert_eq!(e.exit(), crate::base::Exit::INPUT);
        assert!(e.to_string().contains("version 2"), "{e}");
    }
}
