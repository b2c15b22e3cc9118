//! What changed between two proofs of one product. Pure: two packets in, the differences out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::packet::{At, CheckOutcome, FeatureVerdict, Finding, FindingKind, ProofPacket, Word};
use super::view::latest_runs;
use crate::base::SessionId;

/// Everything that differs; empty lists where nothing does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub then: Side,
    pub now: Side,
    /// Features whose verdict moved, and those of one side only, in the order of the newer spec.
    pub features: Vec<FeatureChange>,
    /// By id: checks whose outcome moved, and those of one side only.
    pub checks: Vec<CheckChange>,
    /// Findings that are open now and were not, and the other way round.
    pub findings_new: Vec<String>,
    pub findings_gone: Vec<String>,
    /// What landed in the newer session.
    pub commits: Vec<Commit>,
    pub spec: Vec<SpecChange>,
}

/// One of the two proofs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    pub session: SessionId,
    pub verdict: Word,
    pub passed: usize,
    pub features: usize,
    /// The commit that was judged.
    pub tip: Option<String>,
    pub at: At,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureChange {
    pub id: String,
    pub name: String,
    pub moved: Moved,
    pub then: Option<FeatureVerdict>,
    pub now: Option<FeatureVerdict>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckChange {
    pub id: String,
    pub moved: Moved,
    pub then: Option<CheckOutcome>,
    pub now: Option<CheckOutcome>,
}

/// Which way something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moved {
    NewlyPassed,
    /// It was passed, and is not.
    NoLongerPassed,
    /// It was not passed and is not, for another reason.
    Otherwise,
    New,
    Gone,
}

impl Moved {
    pub fn words(self) -> &'static str {
        match self {
            Moved::NewlyPassed => "newly passed",
            Moved::NoLongerPassed => "no longer passed",
            Moved::Otherwise => "changed",
            Moved::New => "new",
            Moved::Gone => "gone",
        }
    }

    /// `None` where nothing moved.
    fn of<T: PartialEq>(then: Option<&T>, now: Option<&T>, passed: &T) -> Option<Self> {
        match (then, now) {
            (None, None) => None,
            (None, Some(_)) => Some(Moved::New),
            (Some(_), None) => Some(Moved::Gone),
            (Some(then), Some(now)) if then == now => None,
            (Some(_), Some(now)) if now == passed => Some(Moved::NewlyPassed),
            (Some(then), Some(_)) if then == passed => Some(Moved::NoLongerPassed),
            (Some(_), Some(_)) => Some(Moved::Otherwise),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    pub id: String,
    pub subject: String,
}

/// A line of the contract that only one side has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecChange {
    pub moved: Moved,
    /// `acceptance of <feature>` or `non-goal`.
    pub what: String,
    pub text: String,
}

impl Change {
    pub fn between(then: &ProofPacket, now: &ProofPacket) -> Self {
        let (gone, new) = (open_findings(then), open_findings(now));
        Self {
            then: side(then),
            now: side(now),
            features: features(then, now),
            checks: checks(then, now),
            findings_new: new.iter().filter(|f| !gone.contains(f)).cloned().collect(),
            findings_gone: gone.iter().filter(|f| !new.contains(f)).cloned().collect(),
            commits: commits(then, now),
            spec: spec(then, now),
        }
    }

    /// Both sides say the same of the same product.
    pub fn is_none(&self) -> bool {
        self.then.verdict == self.now.verdict
            && self.features.is_empty()
            && self.checks.is_empty()
            && self.findings_new.is_empty()
            && self.findings_gone.is_empty()
            && self.commits.is_empty()
            && self.spec.is_empty()
    }
}

fn side(packet: &ProofPacket) -> Side {
    Side {
        session: packet.session.clone(),
        verdict: packet.verdict.word,
        passed: packet.features.iter().filter(|f| f.verdict == FeatureVerdict::Passed).count(),
        features: packet.features.len(),
        tip: packet.tip.clone(),
        at: packet.end(),
    }
}

fn features(then: &ProofPacket, now: &ProofPacket) -> Vec<FeatureChange> {
    let before: BTreeMap<&str, FeatureVerdict> =
        then.features.iter().map(|f| (f.id.as_str(), f.verdict)).collect();
    let after: BTreeMap<&str, FeatureVerdict> =
        now.features.iter().map(|f| (f.id.as_str(), f.verdict)).collect();
    let gone = then.features.iter().filter(|f| !after.contains_key(f.id.as_str()));
    now.features
        .iter()
        .chain(gone)
        .filter_map(|feature| {
            let id = feature.id.as_str();
            let (then, now) = (before.get(id), after.get(id));
            let moved = Moved::of(then, now, &FeatureVerdict::Passed)?;
            let (id, name) = (feature.id.clone(), feature.name.clone());
            Some(FeatureChange { id, name, moved, then: then.copied(), now: now.copied() })
        })
        .collect()
}

fn checks(then: &ProofPacket, now: &ProofPacket) -> Vec<CheckChange> {
    fn outcomes(packet: &ProofPacket) -> BTreeMap<&str, CheckOutcome> {
        let runs = latest_runs(packet);
        runs.into_iter().map(|(id, at)| (id, packet.checks[at].outcome)).collect()
    }
    let (before, after) = (outcomes(then), outcomes(now));
    let mut ids: Vec<&str> = before.keys().chain(after.keys()).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
        .filter_map(|id| {
            let (then, now) = (before.get(id), after.get(id));
            let moved = Moved::of(then, now, &CheckOutcome::Passed)?;
            Some(CheckChange { id: id.to_owned(), moved, then: then.copied(), now: now.copied() })
        })
        .collect()
}

/// What an opinion says changes with whoever is asked.
fn open_findings(packet: &ProofPacket) -> Vec<String> {
    let counts = |f: &&Finding| !f.repaired && f.kind != FindingKind::Opinion;
    packet.findings.iter().filter(counts).map(|f| f.text.clone()).collect()
}

fn commits(then: &ProofPacket, now: &ProofPacket) -> Vec<Commit> {
    let known = |id: &str| then.landings.iter().any(|l| l.new == id);
    now.landings
        .iter()
        .filter(|l| !known(&l.new))
        .map(|l| Commit { id: l.new.clone(), subject: l.subject.clone() })
        .collect()
}

fn spec(then: &ProofPacket, now: &ProofPacket) -> Vec<SpecChange> {
    fn lines(packet: &ProofPacket) -> Vec<(String, &String)> {
        let accepted = packet.features.iter().flat_map(|f| {
            f.acceptance.iter().map(move |line| (format!("acceptance of {}", f.id), line))
        });
        let not = packet.spec.non_goals.iter().map(|line| ("non-goal".to_owned(), line));
        accepted.chain(not).collect()
    }
    let (before, after) = (lines(then), lines(now));
    let only = |these: &[(String, &String)], those: &[(String, &String)], moved| {
        let ours = these.iter().filter(|line| !those.contains(line));
        ours.map(|(what, text)| SpecChange { moved, what: what.clone(), text: (*text).clone() })
            .collect::<Vec<_>>()
    };
    let mut out = only(&after, &before, Moved::New);
    out.extend(only(&before, &after, Moved::Gone));
    out
}
