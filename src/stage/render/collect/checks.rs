//! Every run of a check that was recorded, in order.

use serde_json::Value;

use super::super::packet::{CheckOutcome, CheckRun, Evidence, Phase, Purpose, Tests};
use super::Source;
use super::evidence::Excerpts;
use super::expects::{expects, filled};
use crate::base::text::{one_line, shell_line, shell_quote};
use crate::base::{Json, Result, Sha256};
use crate::check::evidence::EvidenceStore;
use crate::check::{Outcome, Reason, Status};
use crate::session::event::{CheckPhase, Scenario};
use crate::session::{Event, Record, SYNC};
use crate::spec::{Check, CheckBody, Spec};

/// Characters of what a journey or a probe does.
const STEPS: usize = 1000;

pub(super) struct Runs {
    pub runs: Vec<CheckRun>,
    pub lost: Vec<Lost>,
}

/// Evidence that a run cites and that is not there as it was captured.
pub(super) struct Lost {
    pub check: String,
    pub phase: Phase,
    pub sha256: Sha256,
    pub how: String,
}

/// What a record says about one run.
struct Ran<'a> {
    record: &'a Record,
    id: &'a str,
    phase: Phase,
    scenario: Option<&'a Scenario>,
    /// As somebody who judges asked for it.
    asked: Option<Check>,
    outcome: &'a Json,
    /// Not run again.
    cached: bool,
    note: &'static str,
}

pub(super) fn runs(src: &Source<'_>) -> Result<Runs> {
    let mut excerpts = Excerpts::new(EvidenceStore::new(src.session.layout.evidence()));
    let mut out = Runs { runs: Vec::new(), lost: Vec::new() };
    for ran in src.records.iter().filter_map(ran) {
        let run = run(src.spec, &ran, &mut excerpts, &mut out.lost);
        out.runs.push(run);
    }
    Ok(out)
}

fn ran(record: &Record) -> Option<Ran<'_>> {
    if let Event::GroupChecked(e) = &record.event {
        let phase = match e.phase {
            CheckPhase::Base => Phase::Base,
            CheckPhase::Attempt => Phase::Attempt,
            CheckPhase::Candidate => Phase::Candidate,
        };
        return Some(Ran {
            record,
            id: &e.check,
            phase,
            scenario: None,
            asked: None,
            outcome: &e.outcome,
            cached: e.cached,
            note: "",
        });
    }
    let Event::AuditChecked(e) = &record.event else { return None };
    let scenario = e.scenario.as_ref();
    let phase = if scenario.is_some() { Phase::Scenario } else { Phase::Audit };
    let asked = e.asked.as_ref().and_then(|a| a.check.read().ok());
    let note = match &e.asked {
        Some(a) if a.again => "It showed a failure in an earlier audit.",
        Some(_) => "A judge asked for it; it counts as the finding that was made of it.",
        None => "",
    };
    Some(Ran {
        record,
        id: &e.check,
        phase,
        scenario,
        asked,
        outcome: &e.outcome,
        cached: false,
        note,
    })
}

fn run(spec: &Spec, ran: &Ran<'_>, excerpts: &mut Excerpts, lost: &mut Vec<Lost>) -> CheckRun {
    let (owner, check) = match (ran.scenario, &ran.asked) {
        // Its content is kept apart from the spec, on purpose.
        (Some(_), _) => (None, None),
        (None, Some(asked)) => (None, Some(asked)),
        (None, None) => find(spec, ran.id),
    };
    let group = ran.record.group.as_deref().or(owner).filter(|g| !g.starts_with(SYNC));
    let base = CheckRun {
        id: ran.id.to_owned(),
        kind: match (check, ran.scenario) {
            (Some(check), _) => check.kind.clone(),
            (None, Some(_)) => "scenario".to_owned(),
            (None, None) => "unknown".to_owned(),
        },
        purpose: check.map_or(Purpose::Acceptance, |c| c.purpose),
        group: group.map(str::to_owned),
        features: match ran.scenario {
            Some(scenario) => scenario.features.clone(),
            None => check.map(|c| c.features.clone()).unwrap_or_default(),
        },
        phase: ran.phase,
        outcome: CheckOutcome::NotRun,
        reason: "unreadable".to_owned(),
        detail: String::new(),
        tests: None,
        exit: None,
        duration_s: 0.0,
        commit: String::new(),
        tree: String::new(),
        command: check.map(command).unwrap_or_default(),
        expects: check.map(expects).unwrap_or_default(),
        evidence: Vec::new(),
        flaky: false,
        cached: ran.cached,
    };
    let outcome: Outcome = match ran.outcome.read() {
        Ok(outcome) => outcome,
        Err(e) => {
            return CheckRun {
                detail: format!("Its record cannot be read: {e}"),
                commit: text_of(ran.outcome, "commit"),
                tree: text_of(ran.outcome, "tree"),
                ..base
            };
        }
    };
    let evidence: Vec<Evidence> = outcome
        .evidence()
        .iter()
        .map(|piece| {
            let (shown, wrong) = excerpts.show(piece, &outcome);
            lost.extend(wrong.map(|how| Lost {
                check: ran.id.to_owned(),
                phase: ran.phase,
                sha256: piece.0,
                how,
            }));
            shown
        })
        .collect();
    CheckRun {
        outcome: match outcome.status() {
            Status::Passed => CheckOutcome::Passed,
            Status::Failed => CheckOutcome::Failed,
            Status::NotRun => CheckOutcome::NotRun,
        },
        reason: if outcome.is_pass() { String::new() } else { outcome.reason().word() },
        detail: format!("{} {}", outcome.detail(), ran.note).trim().to_owned(),
        tests: outcome.tests().map(|t| Tests { run: t.run, failed: t.failed, skipped: t.skipped }),
        exit: outcome.exit(),
        duration_s: outcome.duration_s(),
        commit: outcome.commit().to_owned(),
        tree: outcome.tree().to_owned(),
        evidence,
        flaky: outcome.reason() == Reason::Flaky,
        ..base
    }
}

/// Also of a record that is no outcome.
fn text_of(outcome: &Json, key: &str) -> String {
    outcome.value().get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The check of that id with its group; probes of contracts too.
fn find<'a>(spec: &'a Spec, id: &str) -> (Option<&'a str>, Option<&'a Check>) {
    if let Some((group, check)) = spec.checks().find(|(_, c)| c.id == id) {
        return (group.map(|g| g.id.as_str()), Some(check));
    }
    (None, spec.contracts.iter().flat_map(|c| &c.probes).find(|c| c.id == id))
}

/// What ran, as a line that a person may copy.
fn command(check: &Check) -> String {
    let mut line: Vec<String> =
        check.env.iter().map(|(key, value)| format!("{key}={}", shell_quote(value))).collect();
    line.push(match check.body() {
        Ok(CheckBody::RepoTest(test)) => shell_line(&test.argv),
        Ok(CheckBody::Pytest(test)) => {
            let default = ["python3", "-m", "pytest"].map(str::to_owned).to_vec();
            let runner = if test.runner.is_empty() { default } else { test.runner };
            shell_line(&[runner, test.select].concat())
        }
        Ok(CheckBody::CliProbe(probe)) => shell_line(&probe.argv),
        Ok(CheckBody::StateInvariant(invariant)) => return one_line(&invariant.expr, 200),
        Ok(CheckBody::ApiProbe(probe)) => {
            let lines = probe.requests.iter().map(|r| format!("{} {}", r.method, filled(&r.path)));
            let all = lines.collect::<Vec<_>>().join(", ");
            return one_line(&format!("{}: {all}", probe.service), STEPS);
        }
        Ok(CheckBody::BrowserJourney(journey)) if journey.argv.is_empty() => {
            let steps = journey.steps.iter().map(|s| s.shown()).collect::<Vec<_>>().join(", ");
            return one_line(&steps, STEPS);
        }
        Ok(CheckBody::BrowserJourney(journey)) => shell_line(&journey.argv),
        Ok(CheckBody::TypeCheck(types)) => shell_line(&types.argv),
        Ok(CheckBody::Metric(metric)) => shell_line(&metric.argv),
        Ok(CheckBody::ImportCheck(import)) => return import.sentence(),
        Ok(CheckBody::External { kind }) => format!("otto-check-{kind}"),
        Err(_) => return String::new(),
    });
    line.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::sample;

    #[test]
    fn commands_can_be_copied() {
        let lines: Vec<String> = sample::good().checks().map(|(_, c)| command(c)).collect();
        assert_eq!(
            lines,
            [
                "python3 -m pytest tests/test_store.py",
                "make test",
                "LANG=C ./shop login ann",
                "db.users | length > 0 and probes.greets.exit == 0",
                "otto-check-tour",
            ]
        );
    }
}
