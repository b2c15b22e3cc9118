//! What the page shows beyond the packet itself: counts, cross references and words, worked out
//! before the template sees them. The template only places them.

mod checks;
mod facts;
mod feature;
mod lowered;
mod usage;
mod warnings;

use std::collections::HashMap;

use serde::Serialize;

use checks::{PhaseRows, phases, tests};
pub(super) use checks::{latest_runs, shown_runs};
use facts::{Fact, audit_mark, facts};
use feature::FeaturePage;
use lowered::Lowered;
use usage::{UsageTable, usage_rows, used};

use super::change::{Change, Moved};
use super::exhibit::Exhibits;
use super::packet::{
    Attempt, Chain, FeatureVerdict, Finding, Group, Landing, ProofPacket, Reason, ReasonKind,
    Repair, Scenario, StruckCitation,
};
use super::values;
use super::words::{self, Mark, Repaired, Tone};
use crate::base::clock::human_duration;
use crate::base::text::one_line;

/// Everything that the template needs. `packet` is the rest.
#[derive(Debug, Serialize)]
pub struct View<'a> {
    packet: &'a ProofPacket,
    verdict: Mark,
    meaning: &'static str,
    facts: Vec<Fact>,
    /// The start of a long intent.
    intent_start: Option<String>,
    lasted: String,
    lowered: Vec<Lowered<'a>>,
    limits: Vec<&'a Reason>,
    warnings: Vec<String>,
    since: Option<SinceView<'a>>,
    features: Vec<FeaturePage<'a>>,
    groups: Vec<GroupRow<'a>>,
    landings: Vec<&'a Landing>,
    phases: Vec<PhaseRows<'a>>,
    audit: Mark,
    /// The mode of the audit, and what that means.
    audit_mode: Option<(&'a str, &'static str)>,
    scenarios: Vec<ScenarioRow<'a>>,
    findings: Vec<FindingRow<'a>>,
    struck: &'a [StruckCitation],
    repairs: Vec<RepairRow<'a>>,
    usage: UsageTable,
    chain: ChainView<'a>,
}

/// What changed since the proof before.
#[derive(Debug, Serialize)]
struct SinceView<'a> {
    change: &'a Change,
    then: Mark,
    now: Mark,
    features: Vec<MovedRow<'a>>,
    /// Checks that passed then and do not now.
    checks: Vec<&'a str>,
    nothing: bool,
}

#[derive(Debug, Serialize)]
struct MovedRow<'a> {
    name: &'a str,
    mark: Mark,
    then: Option<Mark>,
    now: Option<Mark>,
}

/// The run of a check that counts for a feature: the one in the latest phase.
#[derive(Debug, Serialize)]
struct EvidenceRow<'a> {
    id: &'a str,
    /// Number of the run on the page; `None` when it never ran.
    at: Option<usize>,
    mark: Mark,
    phase: &'static str,
    tests: String,
}

#[derive(Debug, Serialize)]
struct GroupRow<'a> {
    row: &'a Group,
    mark: Mark,
    attempts: Vec<AttemptRow<'a>>,
}

#[derive(Debug, Serialize)]
struct AttemptRow<'a> {
    row: &'a Attempt,
    mark: Mark,
    lasted: String,
    used: String,
}

#[derive(Debug, Serialize)]
struct ScenarioRow<'a> {
    row: &'a Scenario,
    severity: &'static str,
    visibility: Mark,
    evidence: Option<EvidenceRow<'a>>,
}

#[derive(Debug, Serialize)]
struct FindingRow<'a> {
    row: &'a Finding,
    kind: &'static str,
    severity: &'static str,
    mark: Mark,
}

#[derive(Debug, Serialize)]
struct RepairRow<'a> {
    row: &'a Repair,
    mark: Mark,
}

#[derive(Debug, Serialize)]
struct ChainView<'a> {
    mark: Mark,
    what: Option<&'a str>,
}

impl<'a> View<'a> {
    pub fn of(packet: &'a ProofPacket, exhibits: &'a Exhibits) -> Self {
        let latest = latest_runs(packet);
        let homes = feature::homes(packet);
        let evidence = |id: &'a str| evidence_row(packet, &latest, id);
        View {
            packet,
            verdict: packet.verdict.word.into(),
            meaning: words::meaning(packet.verdict.word),
            facts: facts(packet),
            lasted: human_duration(packet.end().millis_since(packet.created) as f64 / 1000.0),
            intent_start: intent_start(&packet.intent),
            lowered: lowered::lowered(packet),
            limits: packet
                .verdict
                .reasons
                .iter()
                .filter(|r| matches!(r.kind, ReasonKind::Limit))
                .collect(),
            warnings: warnings::warnings(packet, exhibits.left_out),
            since: packet.since.as_ref().map(since),
            features: feature::pages(packet, exhibits, &latest, &homes),
            groups: packet
                .groups
                .iter()
                .map(|row| GroupRow {
                    row,
                    mark: row.state.into(),
                    attempts: row.attempts.iter().map(attempt_row).collect(),
                })
                .collect(),
            landings: packet.landings.iter().collect(),
            phases: phases(packet, exhibits, &latest, &homes),
            audit: audit_mark(packet),
            audit_mode: packet.audit.mode.as_deref().map(|m| (m, words::audit_mode(m))),
            scenarios: packet
                .audit
                .scenarios
                .iter()
                .map(|row| ScenarioRow {
                    row,
                    severity: words::severity(row.severity),
                    visibility: row.visibility.into(),
                    evidence: row.check.as_deref().map(evidence),
                })
                .collect(),
            findings: packet.findings.iter().map(finding_row).collect(),
            struck: &packet.audit.struck_citations,
            repairs: packet
                .repairs
                .iter()
                .map(|row| RepairRow { row, mark: row.outcome.into() })
                .collect(),
            usage: usage_rows(packet),
            chain: chain(&packet.journal.chain),
        }
    }
}

/// A longer intent is folded.
const INTENT: usize = 600;
/// Characters of it that are shown all the same.
const INTENT_START: usize = 280;

/// `None` for one that is shown whole.
fn intent_start(intent: &str) -> Option<String> {
    let words = || intent.split_whitespace().collect::<Vec<_>>().join(" ");
    (intent.chars().count() > INTENT).then(|| one_line(&words(), INTENT_START))
}

fn since(change: &Change) -> SinceView<'_> {
    let moved = |m: Moved| {
        let tone = match m {
            Moved::NewlyPassed => Tone::Good,
            Moved::NoLongerPassed => Tone::Bad,
            Moved::Otherwise | Moved::Gone => Tone::Warn,
            Moved::New => Tone::Grey,
        };
        Mark { word: m.words(), tone, sign: tone.sign() }
    };
    SinceView {
        change,
        then: change.then.verdict.into(),
        now: change.now.verdict.into(),
        features: change
            .features
            .iter()
            .map(|f| MovedRow {
                name: &f.name,
                mark: moved(f.moved),
                then: f.then.map(Mark::from),
                now: f.now.map(Mark::from),
            })
            .collect(),
        checks: change
            .checks
            .iter()
            .filter(|c| c.moved == Moved::NoLongerPassed)
            .map(|c| c.id.as_str())
            .collect(),
        nothing: change.is_none(),
    }
}

fn evidence_row<'a>(
    packet: &'a ProofPacket,
    latest: &HashMap<&str, usize>,
    id: &'a str,
) -> EvidenceRow<'a> {
    match latest.get(id) {
        Some(at) => {
            let run = &packet.checks[*at];
            let phase = words::phase_short(run.phase);
            EvidenceRow { id, at: Some(*at), mark: run.outcome.into(), phase, tests: tests(run) }
        }
        None => {
            let mark = Mark::from(FeatureVerdict::Missing);
            let before = packet.checks.iter().any(|c| c.id == id);
            let phase = if before { "did not run on any work" } else { "never ran" };
            EvidenceRow { id, at: None, mark, phase, tests: String::new() }
        }
    }
}

fn attempt_row(row: &Attempt) -> AttemptRow<'_> {
    let lasted = row.finished.map_or_else(
        || "no end recorded".to_owned(),
        |end| human_duration(end.millis_since(row.started) as f64 / 1000.0),
    );
    AttemptRow { row, mark: row.outcome.into(), lasted, used: used(&row.usage) }
}

fn finding_row(row: &Finding) -> FindingRow<'_> {
    let repaired = if row.repaired { Repaired::Yes } else { Repaired::No };
    FindingRow {
        row,
        kind: words::finding_kind(row.kind),
        severity: words::severity(row.severity),
        mark: words::finding_mark(row.kind, repaired),
    }
}

fn chain(chain: &Chain) -> ChainView<'_> {
    match chain {
        Chain::Intact => {
            let mark = Mark { word: "intact", tone: Tone::Good, sign: Tone::Good.sign() };
            ChainView { mark, what: None }
        }
        Chain::Broken { what } => {
            let mark = Mark { word: "broken", tone: Tone::Bad, sign: Tone::Bad.sign() };
            ChainView { mark, what: Some(what) }
        }
    }
}
