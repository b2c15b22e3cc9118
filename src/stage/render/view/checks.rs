//! The runs of checks, by phase.

use std::collections::HashMap;

use serde::Serialize;

use super::feature::{Piece, pieces};
use crate::base::clock::human_duration;
use crate::stage::render::exhibit::Exhibits;
use crate::stage::render::packet::{CheckOutcome, CheckRun, Phase, ProofPacket};
use crate::stage::render::words::{self, Mark, Tone};

#[derive(Debug, Serialize)]
pub struct PhaseRows<'a> {
    title: &'static str,
    about: &'static str,
    passed: usize,
    failed: usize,
    not_run: usize,
    reused: usize,
    runs: Vec<RunRow<'a>>,
}

#[derive(Debug, Serialize)]
pub struct RunRow<'a> {
    at: usize,
    row: &'a CheckRun,
    expects: &'a [String],
    mark: Mark,
    tests: String,
    lasted: String,
    reused: bool,
    /// Number of a later run of the same check that passed, when this one did not.
    passed_later: Option<usize>,
    /// Whether its details are unfolded from the start.
    open: bool,
    /// Number of the feature whose page has the evidence; here it is where there is none.
    home: Option<usize>,
    pieces: Vec<Piece<'a>>,
}

/// Check id → the run that counts: one on the product as it is now before any other, then the one
/// in the latest phase, then the last. A run on a base is one before the work, also where that base
/// is the product as it is now, and counts for nothing.
pub fn latest_runs(packet: &ProofPacket) -> HashMap<&str, usize> {
    let tip = packet.tip.as_deref();
    let tree = packet.landings.iter().rfind(|l| Some(l.new.as_str()) == tip).map(|l| &l.tree);
    let rank = |at: usize| {
        let run = &packet.checks[at];
        let current = Some(run.commit.as_str()) == tip || Some(&run.tree) == tree;
        (current, run.phase, at)
    };
    let mut latest: HashMap<&str, usize> = HashMap::new();
    for (at, run) in packet.checks.iter().enumerate().filter(|(_, c)| c.phase != Phase::Base) {
        let seen = latest.entry(run.id.as_str()).or_insert(at);
        if rank(*seen) < rank(at) {
            *seen = at;
        }
    }
    latest
}

/// The runs whose evidence the page shows in full, the ones that count first, then of each check
/// the last that failed.
pub fn shown_runs(packet: &ProofPacket) -> Vec<usize> {
    let mut out: Vec<usize> = latest_runs(packet).into_values().collect();
    out.sort_unstable();
    let mut failed: HashMap<&str, usize> = HashMap::new();
    let work = packet.checks.iter().enumerate().filter(|(_, c)| c.phase != Phase::Base);
    for (at, run) in work.filter(|(_, c)| c.outcome == CheckOutcome::Failed) {
        failed.insert(&run.id, at);
    }
    let mut failed: Vec<usize> = failed.into_values().filter(|at| !out.contains(at)).collect();
    failed.sort_unstable();
    out.extend(failed);
    out
}

/// `12 tests`, `12 tests, 1 failed, 2 skipped`, or what the check is judged by instead.
pub fn tests(run: &CheckRun) -> String {
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

/// The runs of each phase that has any, the latest phase first: it is what counts.
pub fn phases<'a>(
    packet: &'a ProofPacket,
    exhibits: &'a Exhibits,
    latest: &HashMap<&str, usize>,
    homes: &HashMap<usize, usize>,
) -> Vec<PhaseRows<'a>> {
    const ORDER: [Phase; 5] =
        [Phase::Scenario, Phase::Audit, Phase::Candidate, Phase::Attempt, Phase::Base];
    let rows = |phase: Phase| {
        let runs: Vec<RunRow> = packet
            .checks
            .iter()
            .enumerate()
            .filter(|(_, c)| c.phase == phase)
            .map(|(at, row)| {
                let home = homes.get(&at).copied();
                let here = if home.is_none() { pieces(packet, exhibits, at) } else { Vec::new() };
                RunRow { home, pieces: here, ..run_row(packet, latest, at, row) }
            })
            .collect();
        let count = |o| runs.iter().filter(|r| !r.row.cached && r.row.outcome == o).count();
        let (title, about) = words::phase(phase);
        PhaseRows {
            title,
            about,
            passed: count(CheckOutcome::Passed),
            failed: count(CheckOutcome::Failed),
            not_run: count(CheckOutcome::NotRun),
            reused: runs.iter().filter(|r| r.row.cached).count(),
            runs,
        }
    };
    ORDER.into_iter().map(rows).filter(|p| !p.runs.is_empty()).collect()
}

pub fn run_row<'a>(
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
        *last > at && mended && mark.tone == Tone::Bad
    });
    let open = mark.tone == Tone::Bad && passed_later.is_none();
    let lasted = human_duration(row.duration_s);
    RunRow {
        at,
        row,
        expects: &row.expects,
        mark,
        tests: tests(row),
        lasted,
        reused: row.cached,
        passed_later,
        open,
        home: None,
        pieces: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../../tests/fixtures/proof/sample.json");

    #[test]
    fn an_earlier_pass_never_excuses_a_later_failure() {
        let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
        let at = |p: &ProofPacket, o| {
            let wanted = |c: &CheckRun| c.id == "scn-self-approval" && c.outcome == o;
            p.checks.iter().position(wanted).expect("it is in the sample")
        };
        let failed = at(&packet, CheckOutcome::Failed);
        let passed = at(&packet, CheckOutcome::Passed);
        let row =
            |p: &ProofPacket, n: usize| run_row(p, &latest_runs(p), n, &p.checks[n]).passed_later;
        assert_eq!(row(&packet, failed), Some(passed));
        packet.checks.swap(failed, passed);
        assert_eq!(row(&packet, passed), None);
    }

    #[test]
    fn a_run_before_the_work_never_counts() {
        let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
        let work = packet.checks.iter().position(|c| c.phase == Phase::Attempt).expect("one");
        let mut base = packet.checks[work].clone();
        packet.checks[work].outcome = CheckOutcome::Failed;
        packet.checks[work].id = "adds".into();
        // The second group starts from what landed last.
        base.id = "adds".into();
        base.phase = Phase::Base;
        base.commit = packet.tip.clone().expect("a tip");
        base.outcome = CheckOutcome::Failed;
        packet.checks.push(base.clone());
        packet.checks.push(CheckRun { id: "only-base".into(), ..base });
        let latest = latest_runs(&packet);
        assert_eq!((latest["adds"], latest.get("only-base")), (work, None));
    }

    #[test]
    fn what_failed_last_is_shown_besides_what_counts() {
        let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
        let one = packet.checks[0].clone();
        let runs = [
            (Phase::Base, CheckOutcome::Failed),
            (Phase::Attempt, CheckOutcome::Failed),
            (Phase::Attempt, CheckOutcome::Failed),
            (Phase::Candidate, CheckOutcome::Passed),
        ];
        packet.checks =
            runs.map(|(phase, outcome)| CheckRun { phase, outcome, ..one.clone() }).to_vec();
        assert_eq!(shown_runs(&packet), [3, 2]);
        packet.checks.truncate(3);
        assert_eq!(shown_runs(&packet), [2]);
        packet.checks.truncate(1);
        assert!(shown_runs(&packet).is_empty());
    }

    #[test]
    fn a_run_on_the_product_as_it_is_now_counts_first() {
        let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
        let old = packet.checks.iter().position(|c| c.id == "repo-tests").expect("in the sample");
        let mut now = packet.checks[old].clone();
        now.phase = Phase::Candidate;
        packet.checks[old].commit = packet.base.clone();
        packet.checks[old].tree = packet.landings[0].tree.clone();
        packet.checks.push(now);
        assert_eq!(latest_runs(&packet)["repo-tests"], packet.checks.len() - 1);
    }
}
