//! What the page shows beyond the packet itself: counts, cross references and words, worked out
//! before the template sees them. The template only places them.

use std::collections::HashMap;

use serde::Serialize;

use super::packet::{
    Attempt, AuditOutcome, Chain, CheckOutcome, CheckRun, Feature, FeatureVerdict, Finding, Group,
    Landing, Phase, ProofPacket, Reason, ReasonKind, Repair, Scenario, Usage, Visibility,
};
use super::values;
use super::words::{self, Mark, Repaired, Tone};
use crate::base::clock::human_duration;

/// Everything that the template needs. `packet` is the rest.
#[derive(Debug, Serialize)]
pub struct View<'a> {
    packet: &'a ProofPacket,
    verdict: Mark,
    meaning: &'static str,
    facts: Vec<Fact>,
    lasted: String,
    lowered: Vec<Lowered<'a>>,
    limits: Vec<&'a Reason>,
    features: Vec<FeatureRow<'a>>,
    groups: Vec<GroupRow<'a>>,
    landings: Vec<&'a Landing>,
    phases: Vec<PhaseRows<'a>>,
    audit: Mark,
    scenarios: Vec<ScenarioRow<'a>>,
    findings: Vec<FindingRow<'a>>,
    repairs: Vec<RepairRow<'a>>,
    usage: Vec<UsageRow>,
    total: UsageRow,
    chain: ChainView<'a>,
}

/// A key number under the verdict.
#[derive(Debug, Serialize)]
struct Fact {
    label: &'static str,
    value: String,
    note: String,
    tone: Tone,
}

#[derive(Debug, Serialize)]
struct Lowered<'a> {
    cap: Mark,
    text: &'a str,
    subject: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct FeatureRow<'a> {
    row: &'a Feature,
    mark: Mark,
    evidence: Vec<EvidenceRow<'a>>,
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
struct PhaseRows<'a> {
    title: &'static str,
    about: &'static str,
    passed: usize,
    failed: usize,
    not_run: usize,
    runs: Vec<RunRow<'a>>,
}

#[derive(Debug, Serialize)]
struct RunRow<'a> {
    at: usize,
    row: &'a CheckRun,
    mark: Mark,
    tests: String,
    lasted: String,
    /// Number of a later run of the same check that passed, when this one did not.
    passed_later: Option<usize>,
    /// Whether its details are unfolded from the start.
    open: bool,
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
struct UsageRow {
    role: String,
    input: String,
    cached: String,
    output: String,
    reasoning: String,
    cost: String,
}

#[derive(Debug, Serialize)]
struct ChainView<'a> {
    mark: Mark,
    what: Option<&'a str>,
}

impl<'a> View<'a> {
    pub fn of(packet: &'a ProofPacket) -> Self {
        let latest = latest_runs(packet);
        let evidence = |id: &'a str| evidence_row(packet, &latest, id);
        let (total, usage) = usage_rows(packet);
        View {
            packet,
            verdict: packet.verdict.word.into(),
            meaning: words::meaning(packet.verdict.word),
            facts: facts(packet),
            lasted: human_duration(packet.end().millis_since(packet.created) as f64 / 1000.0),
            lowered: packet.verdict.reasons.iter().filter_map(lowered).collect(),
            limits: packet
                .verdict
                .reasons
                .iter()
                .filter(|r| matches!(r.kind, ReasonKind::Limit))
                .collect(),
            features: packet
                .features
                .iter()
                .map(|row| FeatureRow {
                    row,
                    mark: row.verdict.into(),
                    evidence: row.checks.iter().map(|id| evidence(id)).collect(),
                })
                .collect(),
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
            phases: phases(packet, &latest),
            audit: packet.audit.outcome.into(),
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
            repairs: packet
                .repairs
                .iter()
                .map(|row| RepairRow { row, mark: row.outcome.into() })
                .collect(),
            usage,
            total,
            chain: chain(&packet.journal.chain),
        }
    }
}

fn lowered(reason: &Reason) -> Option<Lowered<'_>> {
    match reason.kind {
        ReasonKind::Lowered { cap } => {
            let subject = reason.subject.as_deref();
            Some(Lowered { cap: cap.into(), text: &reason.text, subject })
        }
        ReasonKind::Limit => None,
    }
}

/// Check id → its run in the latest phase, the last one of these.
fn latest_runs(packet: &ProofPacket) -> HashMap<&str, usize> {
    let mut latest: HashMap<&str, usize> = HashMap::new();
    for (at, run) in packet.checks.iter().enumerate() {
        let seen = latest.entry(run.id.as_str()).or_insert(at);
        if packet.checks[*seen].phase <= run.phase {
            *seen = at;
        }
    }
    latest
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
            EvidenceRow { id, at: None, mark, phase: "never ran", tests: String::new() }
        }
    }
}

/// `12 tests`, `12 tests, 1 failed, 2 skipped`, or what the check is judged by instead.
fn tests(run: &CheckRun) -> String {
    let Some(t) = &run.tests else {
        return run.exit.map_or_else(String::new, |code| format!("exit {code}"));
    };
    let mut out = if t.run == 1 { "1 test".to_owned() } else { format!("{} tests", t.run) };
    if t.failed > 0 {
        out.push_str(&format!(", {} failed", t.failed));
    }
    if t.skipped > 0 {
        out.push_str(&format!(", {} skipped", t.skipped));
    }
    out
}

fn facts(packet: &ProofPacket) -> Vec<Fact> {
    let all = |label, done: usize, of: usize, note: String| {
        let tone = if of == 0 {
            Tone::Grey
        } else if done == of {
            Tone::Good
        } else {
            Tone::Warn
        };
        Fact { label, value: format!("{done} / {of}"), note, tone }
    };
    let passed = packet.features.iter().filter(|f| f.verdict == FeatureVerdict::Passed).count();
    let landed = packet.groups.iter().filter(|g| Mark::from(g.state).tone == Tone::Good).count();
    let runs = || packet.checks.iter().filter(|c| c.phase != Phase::Base);
    let (ran, red, idle) = (
        runs().count(),
        runs().filter(|c| c.outcome == CheckOutcome::Failed).count(),
        runs().filter(|c| c.outcome == CheckOutcome::NotRun).count(),
    );
    let audit = Mark::from(packet.audit.outcome);
    let held =
        packet.audit.scenarios.iter().filter(|s| s.visibility == Visibility::HeldOut).count();
    let rounds = match packet.audit.outcome {
        AuditOutcome::NotRun => "no round was completed".to_owned(),
        AuditOutcome::Passed | AuditOutcome::Failed => format!(
            "{}, {}",
            crate::base::text::count(packet.audit.rounds as usize, "round"),
            crate::base::text::count(held, "held-out scenario")
        ),
    };
    vec![
        all("Features passed", passed, packet.features.len(), short_of(packet)),
        all("Groups landed", landed, packet.groups.len(), {
            format!("in {}", crate::base::text::count(packet.landings.len(), "tested landing"))
        }),
        Fact {
            label: "Check runs",
            value: values::thousands(ran as u64),
            note: format!("{} passed, {red} failed, {idle} not run", ran - red - idle),
            tone: Tone::Grey,
        },
        Fact { label: "Audit", value: audit.word.to_owned(), note: rounds, tone: audit.tone },
    ]
}

/// `1 failed, 2 blocked`: the features that are not passed, by verdict.
fn short_of(packet: &ProofPacket) -> String {
    const OTHERS: [FeatureVerdict; 4] = [
        FeatureVerdict::Failed,
        FeatureVerdict::Partial,
        FeatureVerdict::Blocked,
        FeatureVerdict::Missing,
    ];
    let count = |v| packet.features.iter().filter(|f| f.verdict == v).count();
    let some = OTHERS.into_iter().map(|v| (count(v), Mark::from(v).word)).filter(|(n, _)| *n > 0);
    let some: Vec<String> = some.map(|(n, word)| format!("{n} {word}")).collect();
    if some.is_empty() { "none failed, none missing".to_owned() } else { some.join(", ") }
}

fn attempt_row(row: &Attempt) -> AttemptRow<'_> {
    let lasted = row.finished.map_or_else(
        || "no end recorded".to_owned(),
        |end| human_duration(end.millis_since(row.started) as f64 / 1000.0),
    );
    AttemptRow { row, mark: row.outcome.into(), lasted, used: used(&row.usage) }
}

/// One line: what an attempt used, naming only what was reported.
fn used(usage: &Usage) -> String {
    let tokens = [
        ("input", usage.input),
        ("from cache", usage.cached),
        ("output", usage.output),
        ("reasoning", usage.reasoning),
    ];
    let known =
        tokens.iter().filter_map(|(name, n)| Some(format!("{} {name}", values::thousands((*n)?))));
    let known: Vec<String> = known.collect();
    let tokens = match known.is_empty() {
        true => format!("tokens {}", values::NOT_REPORTED),
        false => format!("tokens {}", known.join(", ")),
    };
    format!("{tokens}; cost {}", values::dollars(usage.cost_usd))
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

/// The runs of each phase that has any, the latest phase first: it is what counts.
fn phases<'a>(packet: &'a ProofPacket, latest: &HashMap<&str, usize>) -> Vec<PhaseRows<'a>> {
    const ORDER: [Phase; 5] =
        [Phase::Scenario, Phase::Audit, Phase::Candidate, Phase::Attempt, Phase::Base];
    let rows = |phase: Phase| {
        let runs: Vec<RunRow> = packet
            .checks
            .iter()
            .enumerate()
            .filter(|(_, c)| c.phase == phase)
            .map(|(at, row)| run_row(packet, latest, at, row))
            .collect();
        let count = |o| runs.iter().filter(|r| r.row.outcome == o).count();
        let (title, about) = words::phase(phase);
        PhaseRows {
            title,
            about,
            passed: count(CheckOutcome::Passed),
            failed: count(CheckOutcome::Failed),
            not_run: count(CheckOutcome::NotRun),
            runs,
        }
    };
    ORDER.into_iter().map(rows).filter(|p| !p.runs.is_empty()).collect()
}

fn run_row<'a>(
    packet: &ProofPacket,
    latest: &HashMap<&str, usize>,
    at: usize,
    row: &'a CheckRun,
) -> RunRow<'a> {
    let mut mark = Mark::from(row.outcome);
    // On the base a red acceptance check is what one wants to see.
    if row.phase == Phase::Base && row.outcome == CheckOutcome::Failed {
        mark = Mark { word: "failed, as it must", tone: Tone::Grey, sign: Tone::Grey.sign() };
    }
    let last = latest.get(row.id.as_str()).copied();
    let passed_later = last.filter(|last| {
        let mended = packet.checks[*last].outcome == CheckOutcome::Passed;
        *last != at && mended && mark.tone == Tone::Bad
    });
    let open = mark.tone == Tone::Bad && passed_later.is_none();
    let lasted = human_duration(row.duration_s);
    RunRow { at, row, mark, tests: tests(row), lasted, passed_later, open }
}

/// The sum over all roles and the row of each. A number that some role did not report makes the
/// sum a lower bound, and it says so.
fn usage_rows(packet: &ProofPacket) -> (UsageRow, Vec<UsageRow>) {
    let all: Vec<&Usage> = packet.usage.values().collect();
    let rows = packet.usage.iter().map(|(role, u)| UsageRow {
        role: role.clone(),
        input: values::tokens(u.input),
        cached: values::tokens(u.cached),
        output: values::tokens(u.output),
        reasoning: values::tokens(u.reasoning),
        cost: values::dollars(u.cost_usd),
    });
    let sum = |pick: fn(&Usage) -> Option<u64>| {
        let known: Vec<u64> = all.iter().filter_map(|u| pick(u)).collect();
        let sum = known.iter().fold(0_u64, |a, b| a.saturating_add(*b));
        at_least(known.len(), all.len(), values::thousands(sum))
    };
    let costs: Vec<f64> = all.iter().filter_map(|u| u.cost_usd).collect();
    let total = UsageRow {
        role: "all roles".to_owned(),
        input: sum(|u| u.input),
        cached: sum(|u| u.cached),
        output: sum(|u| u.output),
        reasoning: sum(|u| u.reasoning),
        cost: at_least(costs.len(), all.len(), values::dollars(Some(costs.iter().sum()))),
    };
    (total, rows.collect())
}

fn at_least(known: usize, of: usize, sum: String) -> String {
    if known == 0 {
        values::NOT_REPORTED.to_owned()
    } else if known < of {
        format!("at least {sum}")
    } else {
        sum
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
