//! The record of one run: what was claimed, by which criterion it was judged, what ran, where and
//! when, and what came of it.
//!
//! It is stored once. The event of a run carries its outcome and, in `run`, what the outcome does
//! not say ([`Run`]); the record is derived from that event, and its hash is the hash of its line. So
//! it cannot say anything else than the journal, and a journal without `run` (of an older Otto) has
//! none. A result that was taken from an earlier run has no record of its own: that run has it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cache::toolchain;
use super::counts::strip_ansi;
use super::driver::fixed_env;
use super::{EvidenceRef, Outcome, Reason, Status, TestCounts};
use crate::base::clock::stamp;
use crate::base::{Json, Secrets, Sha256};
use crate::process::{Network, Tier};
use crate::session::config::Containment;
use crate::session::event::{CheckPhase, Event};
use crate::session::journal;
use crate::spec::{Check, CheckBody, Purpose};

const VERSION: u32 = 1;
/// Characters of what was printed last.
const EXCERPT: usize = 160;
/// As much of a piece of evidence is looked at for it.
pub const TAIL: u64 = 1024;

/// What is known of a run besides its outcome; `run` in the events of checks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Hash of the check as it stood in the spec; see [`criterion`].
    pub criterion: Sha256,
    pub purpose: Purpose,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// Absent where a check starts no program of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// Hash of the environment that it had, the program that it started, and what was prepared.
    pub environment: Sha256,
    pub tier: Tier,
    pub network: Network,
    /// As the journal writes instants.
    pub start: String,
    pub end: String,
    /// The end of what was captured first, in one line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
}

/// What a run was made of.
#[derive(Debug)]
pub(super) struct Made<'a> {
    pub check: &'a Check,
    pub prepared: &'a Sha256,
    pub containment: &'a Containment,
    pub start: Timestamp,
    pub end: Timestamp,
    /// The end of the first piece of evidence.
    pub output: &'a [u8],
    pub secrets: &'a Secrets,
}

impl Run {
    pub(super) fn of(made: &Made<'_>) -> Self {
        let Made { check, containment, .. } = made;
        Self {
            criterion: criterion(check),
            purpose: check.purpose,
            features: check.features.clone(),
            argv: argv(check).iter().map(|word| made.secrets.hide(word)).collect(),
            environment: environment(check, made.prepared),
            tier: containment.tier,
            network: containment.network,
            start: stamp(made.start),
            end: stamp(made.end),
            excerpt: excerpt(made.output),
        }
    }
}

/// Hash of a check's canonical form (compact, keys sorted), as [`crate::spec::Spec::content_hash`] is
/// of a spec.
pub fn criterion(check: &Check) -> Sha256 {
    let mut value = serde_json::to_value(check).expect("a check is plain data");
    value.sort_all_objects();
    Sha256::of(value.to_string().as_bytes())
}

/// What a check starts itself.
fn argv(check: &Check) -> Vec<String> {
    match check.body() {
        Ok(CheckBody::RepoTest(test)) => test.argv,
        Ok(CheckBody::Pytest(test)) => {
            let default = ["python3", "-m", "pytest"].map(str::to_owned).to_vec();
            [if test.runner.is_empty() { default } else { test.runner }, test.select].concat()
        }
        Ok(CheckBody::CliProbe(probe)) => probe.argv,
        Ok(CheckBody::BrowserJourney(journey)) => journey.argv,
        Ok(CheckBody::TypeCheck(types)) => types.argv,
        Ok(CheckBody::Metric(metric)) => metric.argv,
        Ok(CheckBody::External { kind }) => vec![format!("otto-check-{kind}")],
        Ok(CheckBody::StateInvariant(_) | CheckBody::ApiProbe(_) | CheckBody::ImportCheck(_))
        | Err(_) => Vec::new(),
    }
}

/// Names and values that do not differ from lease to lease, the program as it is installed here, what
/// was prepared, and the machine's kind.
fn environment(check: &Check, prepared: &Sha256) -> Sha256 {
    let mut parts: Vec<Vec<u8>> = vec![b"environment-1\n".to_vec()];
    for (name, value) in fixed_env(check) {
        parts.extend([name.into_encoded_bytes(), b"=".to_vec()]);
        parts.extend([value.into_encoded_bytes(), b"\n".to_vec()]);
    }
    parts.push(toolchain(check).into_bytes());
    parts.push(format!("\n{prepared}\n{} {}", std::env::consts::OS, std::env::consts::ARCH).into());
    Sha256::of_parts(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// The end of captured bytes in one line; empty for what is not text.
pub fn excerpt(tail: &[u8]) -> String {
    if tail.contains(&0) {
        return String::new();
    }
    // The first bytes may be the end of a character, or of a colour.
    let text = strip_ansi(&String::from_utf8_lossy(tail)).replace(char::is_control, " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let from = text.char_indices().rev().nth(EXCERPT - 1).map_or(0, |(at, _)| at);
    text[from..].trim_start_matches('\u{fffd}').to_owned()
}

/// One record, as it is written and hashed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvidenceRecord {
    v: u32,
    /// Number of the event in the session's journal.
    pub event: u64,
    pub claim: Claim,
    pub criterion: Sha256,
    pub argv: Vec<String>,
    pub environment: Sha256,
    pub commit: String,
    pub tree: String,
    pub tier: Tier,
    pub network: Network,
    pub start: String,
    pub end: String,
    pub exit: Option<i32>,
    pub signal: Option<i32>,
    pub tests: Option<TestCounts>,
    /// What was captured first; the excerpt is its end.
    pub output: Option<EvidenceRef>,
    pub excerpt: String,
    pub outcome: Status,
    pub reason: Reason,
    pub detail: String,
    pub evidence: Vec<EvidenceRef>,
}

/// What a run is evidence for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    pub check: String,
    /// `base`, `attempt`, `candidate` or `audit`.
    pub phase: &'static str,
    pub purpose: Purpose,
    pub features: Vec<String>,
    pub group: Option<String>,
    pub attempt: Option<u32>,
    /// Of the audit.
    pub round: Option<u32>,
    pub scenario: Option<String>,
}

impl EvidenceRecord {
    /// The record of a journal's line; `None` for one that is no run, that was taken from an earlier
    /// run, or that an older Otto wrote.
    pub fn of(line: &journal::Record) -> Option<Self> {
        let (check, phase, round, scenario, outcome, run) = match &line.event {
            Event::GroupChecked(e) => {
                (&e.check, CheckPhase::word(e.phase), None, None, &e.outcome, e.run.as_ref()?)
            }
            Event::AuditChecked(e) => {
                let scenario = e.scenario.as_ref().map(|s| s.id.clone());
                (&e.check, "audit", Some(e.round), scenario, &e.outcome, e.run.as_ref()?)
            }
            _ => return None,
        };
        let (run, outcome): (Run, Outcome) = (run.read().ok()?, outcome.read().ok()?);
        Some(Self {
            v: VERSION,
            event: line.seq,
            claim: Claim {
                check: check.clone(),
                phase,
                purpose: run.purpose,
                features: run.features,
                group: line.group.clone(),
                attempt: line.attempt,
                round,
                scenario,
            },
            criterion: run.criterion,
            argv: run.argv,
            environment: run.environment,
            commit: outcome.commit().to_owned(),
            tree: outcome.tree().to_owned(),
            tier: run.tier,
            network: run.network,
            start: run.start,
            end: run.end,
            exit: outcome.exit(),
            signal: outcome.signal(),
            tests: outcome.tests(),
            output: outcome.evidence().first().copied(),
            excerpt: run.excerpt,
            outcome: outcome.status(),
            reason: outcome.reason(),
            detail: outcome.detail().to_owned(),
            evidence: outcome.evidence().to_vec(),
        })
    }

    /// One line of JSON, without its end.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("a record is plain data")
    }

    /// Its content address.
    pub fn hash(&self) -> Sha256 {
        Sha256::of(self.line().as_bytes())
    }
}

/// For each line of a journal that is a run, the record that stands for it: its own, or of a result
/// that was taken from an earlier run, that run's. In order, with the line.
pub fn records(lines: &[journal::Record]) -> Vec<(&journal::Record, EvidenceRecord)> {
    let mut ran: BTreeMap<(&str, String), EvidenceRecord> = BTreeMap::new();
    let mut out = Vec::new();
    for line in lines {
        if let Some(own) = EvidenceRecord::of(line) {
            if let Event::GroupChecked(e) = &line.event {
                ran.insert((&e.check, said(&e.outcome)), own.clone());
            }
            out.push((line, own));
        } else if let Event::GroupChecked(e) = &line.event
            && e.cached
            && let Some(earlier) = ran.get(&(e.check.as_str(), said(&e.outcome)))
        {
            out.push((line, earlier.clone()));
        }
    }
    out
}

fn said(outcome: &Json) -> String {
    serde_json::to_string(outcome).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spec::sample;

    #[test]
    fn a_criterion_is_what_the_check_says_and_not_how() {
        let spec = sample::good();
        let all: Vec<&Check> = spec.checks().map(|(_, c)| c).collect();
        let mut turned = all[0].clone();
        let keys: Vec<String> = turned.params.keys().rev().cloned().collect();
        for key in keys {
            let value = turned.params.shift_remove(&key).expect("it is there");
            turned.params.insert(key, value);
        }
        assert_eq!(criterion(all[0]), criterion(&turned));
        let mut easier = all[0].clone();
        easier.timeout_s = Some(1);
        assert_ne!(criterion(all[0]), criterion(&easier));
        assert_ne!(criterion(all[0]), criterion(all[1]));
    }

    #[test]
    fn an_environment_is_what_was_set_and_prepared() {
        let spec = sample::good();
        let check = spec.checks().next().expect("a check").1;
        let of = |check: &Check, prepared: &[u8]| environment(check, &Sha256::of(prepared));
        assert_eq!(of(check, b"a"), of(check, b"a"));
        assert_ne!(of(check, b"a"), of(check, b"b"));
        let mut other = check.clone();
        other.env.insert("MODE".into(), "easy".into());
        assert_ne!(of(check, b"a"), of(&other, b"a"));
    }

    #[test]
    fn an_excerpt_is_the_end() {
        assert_eq!(excerpt(b"one\n\x1b[31mtwo\x1b[0m\n--- exit 0\n"), "one two --- exit 0");
        assert_eq!(excerpt(b"PNG\0"), "");
        let long = "word ".repeat(100);
        assert!(long.contains(&excerpt(long.as_bytes())));
        assert_eq!(excerpt(&"é".repeat(500).into_bytes()[1..]).chars().count(), EXCERPT);
    }

    proptest! {
        #[test]
        fn an_excerpt_is_one_short_line(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let line = excerpt(&bytes);
            prop_assert!(line.chars().count() <= EXCERPT);
            prop_assert!(!line.contains(char::is_control), "{line:?}");
        }
    }
}
