//! The audit, what it found, and what was mended.

use super::super::packet::{
    Audit, AuditOutcome, Finding, FindingKind, Judge, Judged, Repair, RepairOutcome, Scenario,
    Severity, StruckCitation, Visibility,
};
use super::Source;
use crate::base::text::{count, one_line};
use crate::check::{Outcome, Status};
use crate::session::event::{self, Answered, AuditScope, Certifier};
use crate::session::{Event, Record, state};

/// The word of the ledger for a repair that landed and mended what it was for.
const LANDED: &str = "landed";

pub(super) fn audit(src: &Source<'_>) -> Audit {
    let state = &src.state;
    let rounds = state.audits.iter().filter(|a| a.finished.is_some()).count() as u32;
    let full = state.last_full_audit();
    let (outcome, reason) = match full {
        None if state.audits.is_empty() => {
            (AuditOutcome::NotRun, "The product was not audited.".to_owned())
        }
        None => (AuditOutcome::NotRun, "No full audit was completed.".to_owned()),
        Some(audit) if state.tip() != Some(audit.tip) => {
            let tip = state.tip().map_or_else(String::new, |t| t.short());
            let text = format!("It judged {}, and the product is now {tip}.", audit.tip.short());
            (AuditOutcome::NotRun, text)
        }
        Some(audit) => outcome_of(audit),
    };
    // Scenarios of an audit that is still going on are shown until a whole one replaces them.
    let shown = full.or_else(|| state.audits.iter().rev().find(|a| a.scope == AuditScope::Full));
    Audit {
        outcome,
        reason,
        rounds,
        certifier: full.and_then(|a| a.finished.as_ref()).and_then(asked),
        scenarios: shown.map(scenarios).unwrap_or_default(),
        struck: full.map_or(0, |a| a.finished.iter().chain(&a.adversary).map(struck).sum()),
        struck_citations: full.map(struck_citations).unwrap_or_default(),
        judged: full.map(judged).unwrap_or_default(),
        mode: full.and_then(|a| a.mode).map(|mode| mode.word().to_owned()),
        left_out: full.map(|a| left_out(src, a)).unwrap_or_default(),
        adversary: full.and_then(|a| a.adversary.as_ref()).and_then(asked),
    }
}

/// Checks of the spec without a run in it.
fn left_out(src: &Source<'_>, audit: &state::Audit) -> Vec<String> {
    let ran = |id: &str| audit.checks.iter().any(|c| c.scenario.is_none() && c.check == id);
    src.spec.checks().filter(|(_, c)| !ran(&c.id)).map(|(_, c)| c.id.clone()).collect()
}

fn struck(certifier: &Certifier) -> u32 {
    match certifier {
        Certifier::Asked(answered) => answered.struck,
        Certifier::None | Certifier::Failed { .. } | Certifier::NotAsked => 0,
    }
}

/// Those who answered.
fn answers(audit: &state::Audit) -> Vec<(Judge, &Answered)> {
    let both = [(Judge::Certifier, &audit.finished), (Judge::Adversary, &audit.adversary)];
    fn answered((judge, found): (Judge, &Option<Certifier>)) -> Option<(Judge, &Answered)> {
        match found {
            Some(Certifier::Asked(answered)) => Some((judge, answered)),
            Some(Certifier::None | Certifier::Failed { .. } | Certifier::NotAsked) | None => None,
        }
    }
    both.into_iter().filter_map(answered).collect()
}

fn struck_citations(audit: &state::Audit) -> Vec<StruckCitation> {
    let of = |(judge, answered): (Judge, &Answered)| {
        let one =
            |s: &event::Struck| StruckCitation { judge, cited: s.cited.clone(), by: s.by.clone() };
        answered.citations.iter().map(one).collect::<Vec<_>>()
    };
    answers(audit).into_iter().flat_map(of).collect()
}

fn judged(audit: &state::Audit) -> Vec<Judged> {
    let of = |(judge, answered): (Judge, &Answered)| {
        let one = |j: &event::Judgement| Judged {
            judge,
            provider: answered.provider.clone(),
            feature: j.feature.clone(),
            word: j.word,
            severity: severity(j.severity),
            why: j.why.clone(),
            evidence: j.evidence.clone(),
        };
        answered.features.iter().map(one).collect::<Vec<_>>()
    };
    answers(audit).into_iter().flat_map(of).collect()
}

/// Who looked for failures; one that failed did not.
fn asked(certifier: &Certifier) -> Option<String> {
    match certifier {
        Certifier::Asked(answered) => Some(answered.provider.clone()),
        Certifier::None | Certifier::Failed { .. } | Certifier::NotAsked => None,
    }
}

fn outcome_of(audit: &state::Audit) -> (AuditOutcome, String) {
    let is = |status: Status| {
        let counts = audit.checks.iter().filter(|c| c.asked.as_ref().is_none_or(|a| a.again));
        let seen = counts.filter(|c| status_of(c) == status).count();
        (seen > 0).then_some(seen)
    };
    let failures =
        audit.findings.iter().filter(|f| f.kind == event::FindingKind::ProductFailure).count();
    match (is(Status::Failed), is(Status::NotRun)) {
        (Some(n), _) => (AuditOutcome::Failed, format!("{} failed.", count(n, "check"))),
        (None, _) if failures > 0 => {
            (AuditOutcome::Failed, format!("{} found.", count(failures, "product failure")))
        }
        (None, Some(n)) => (AuditOutcome::NotRun, format!("{} did not run.", count(n, "check"))),
        (None, None) if audit.checks.is_empty() => {
            (AuditOutcome::NotRun, "It ran no check.".to_owned())
        }
        (None, None) => (AuditOutcome::Passed, String::new()),
    }
}

fn status_of(check: &state::AuditCheck) -> Status {
    check.outcome.read::<Outcome>().map_or(Status::NotRun, |outcome| outcome.status())
}

fn scenarios(audit: &state::Audit) -> Vec<Scenario> {
    let mut out: Vec<Scenario> = Vec::new();
    for check in &audit.checks {
        let Some(scenario) = &check.scenario else { continue };
        if out.iter().any(|s| s.id == scenario.id) {
            continue;
        }
        out.push(Scenario {
            id: scenario.id.clone(),
            title: scenario.title.clone(),
            features: scenario.features.clone(),
            severity: severity(scenario.severity),
            sha256: scenario.sha256,
            visibility: if scenario.held_out {
                Visibility::HeldOut
            } else {
                Visibility::VisibleToBuilders
            },
            check: Some(check.check.clone()),
        });
    }
    out
}

fn severity(found: event::Severity) -> Severity {
    match found {
        event::Severity::Critical => Severity::Critical,
        event::Severity::Important => Severity::High,
        event::Severity::Polish => Severity::Low,
    }
}

/// Each finding once, as the newest audit that has it tells it, in the order of the first.
pub(super) fn findings(src: &Source<'_>) -> Vec<Finding> {
    let mut newest: Vec<(u32, &event::Finding)> = Vec::new();
    for audit in &src.state.audits {
        for finding in &audit.findings {
            match newest.iter_mut().find(|(_, f)| f.id == finding.id) {
                Some(known) => *known = (audit.round, finding),
                None => newest.push((audit.round, finding)),
            }
        }
    }
    newest.into_iter().map(|(round, finding)| shown(src, round, finding)).collect()
}

fn shown(src: &Source<'_>, round: u32, finding: &event::Finding) -> Finding {
    let mut text = finding.text.clone();
    if let [_, others @ ..] = &finding.features[..]
        && !others.is_empty()
    {
        text.push_str(&format!(" (It concerns {} too.)", others.join(", ")));
    }
    // Found again after the repair, it is not repaired.
    let repaired = src.state.repairs.iter().any(|r| {
        r.round >= round && r.findings.contains(&finding.id) && r.outcome.as_deref() == Some(LANDED)
    });
    Finding {
        kind: match finding.kind {
            event::FindingKind::ProductFailure => FindingKind::ProductFailure,
            event::FindingKind::ProofGap => FindingKind::ProofGap,
            event::FindingKind::Scope => FindingKind::Scope,
            event::FindingKind::Opinion => FindingKind::Opinion,
        },
        severity: severity(finding.severity),
        text,
        feature: finding.features.first().cloned(),
        group: finding.group.clone(),
        reproduction: Some(finding.reproduction.clone()).filter(|r| !r.is_empty()),
        repaired,
    }
}

pub(super) fn repairs(src: &Source<'_>) -> Vec<Repair> {
    src.state.repairs.iter().map(|repair| one_repair(src, repair)).collect()
}

fn one_repair(src: &Source<'_>, repair: &state::Repair) -> Repair {
    let (outcome, reason) = match repair.outcome.as_deref() {
        Some(LANDED) => (RepairOutcome::Repaired, String::new()),
        Some(other) => (RepairOutcome::NotRepaired, other.to_owned()),
        None if src.is_over() => (RepairOutcome::NotRepaired, "It was cut off.".to_owned()),
        None => (RepairOutcome::Running, String::new()),
    };
    let during = during(&src.records, repair);
    let landing = during.iter().rev().find_map(|r| {
        let Event::MergeLanded(landed) = &r.event else { return None };
        Some(landed.new.to_string())
    });
    let found = src.state.audits.iter().flat_map(|a| &a.findings);
    let subject = found
        .filter(|f| repair.findings.contains(&f.id))
        .map(|f| one_line(&f.text, 200))
        .next()
        .unwrap_or_else(|| repair.findings.join(", "));
    Repair {
        key: repair.key.clone(),
        subject,
        group: Some(repair.group.clone()),
        attempts: during.iter().filter(|r| matches!(r.event, Event::AttemptStarted(_))).count()
            as u32,
        outcome,
        reason,
        commit: landing,
    }
}

/// The records of the repair's group from its start to its end.
fn during<'a>(records: &'a [Record], repair: &state::Repair) -> Vec<&'a Record> {
    let starts = |r: &Record| matches!(&r.event, Event::RepairStarted(e) if e.key == repair.key && e.round == repair.round);
    let ends = |r: &Record| matches!(&r.event, Event::RepairFinished(e) if e.key == repair.key);
    records
        .iter()
        .skip_while(|r| !starts(r))
        .take_while(|r| !ends(r))
        .filter(|r| r.group.as_deref() == Some(repair.group.as_str()))
        .collect()
}
