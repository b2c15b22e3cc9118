//! The page of one feature: its story, what shows it, and what was found about it.

use std::collections::HashMap;

use serde::Serialize;

use super::checks::{RunRow, latest_runs, run_row};
use super::{EvidenceRow, FindingRow, evidence_row, finding_row};
use crate::base::text::one_line;
use crate::stage::render::exhibit::{Exhibit, Exhibits};
use crate::stage::render::packet::{
    AttemptOutcome, Evidence, Feature, Judged, Landing, ProofPacket, StruckCitation,
};
use crate::stage::render::words::{self, Mark};

#[derive(Debug, Serialize)]
pub struct FeaturePage<'a> {
    /// Counted from 1; part of the page's anchor.
    number: usize,
    row: &'a Feature,
    mark: Mark,
    group_title: &'a str,
    runs: Vec<Proof<'a>>,
    findings: Vec<FindingRow<'a>>,
    judged: Vec<JudgedRow<'a>>,
    /// Citations for this feature that were struck.
    struck: Vec<&'a StruckCitation>,
    landings: Vec<&'a Landing>,
    commits: Vec<Made<'a>>,
}

/// What a judge said of it. Its `passed` is an opinion and no green sign.
#[derive(Debug, Serialize)]
struct JudgedRow<'a> {
    row: &'a Judged,
    mark: Mark,
    severity: &'static str,
}

/// What one check or scenario shows of the feature.
#[derive(Debug, Serialize)]
pub struct Proof<'a> {
    evidence: EvidenceRow<'a>,
    run: Option<RunRow<'a>>,
    /// Number of the feature whose page has the evidence, where that is another.
    elsewhere: Option<usize>,
    pieces: Vec<Piece<'a>>,
}

/// Evidence, and how it is shown.
#[derive(Debug, Serialize)]
pub struct Piece<'a> {
    row: &'a Evidence,
    exhibit: Option<&'a Exhibit>,
    /// First line of a long text that stands behind other evidence: it is folded.
    also: Option<String>,
    /// A picture that is not shown here.
    picture: bool,
}

/// Lines of a text that need no folding.
const FEW: usize = 8;

/// An attempt that counted.
#[derive(Debug, Serialize)]
struct Made<'a> {
    number: u32,
    role: &'a str,
    commit: &'a str,
}

/// Number of a run → number of the first feature that it is evidence for: its page shows it, and with
/// it every run of the same check that left the same evidence, such as the one that it was reused
/// from.
pub fn homes(packet: &ProofPacket) -> HashMap<usize, usize> {
    let latest = latest_runs(packet);
    let mut out = HashMap::new();
    for (n, feature) in packet.features.iter().enumerate() {
        for at in feature.checks.iter().filter_map(|id| latest.get(id.as_str())) {
            out.entry(*at).or_insert(n + 1);
        }
    }
    for (at, run) in packet.checks.iter().enumerate().filter(|(_, c)| !c.evidence.is_empty()) {
        let same =
            latest.get(run.id.as_str()).filter(|l| packet.checks[**l].evidence == run.evidence);
        if let Some(home) = same.and_then(|l| out.get(l)).copied() {
            out.entry(at).or_insert(home);
        }
    }
    out
}

pub fn pieces<'a>(packet: &'a ProofPacket, exhibits: &'a Exhibits, at: usize) -> Vec<Piece<'a>> {
    let piece = |(n, row): (usize, &'a Evidence)| {
        let long = n > 0 && row.excerpt.lines().count() > FEW;
        let also = long.then(|| one_line(&row.excerpt, 80));
        Piece { row, exhibit: exhibits.of(at, &row.sha256), also, picture: row.picture }
    };
    packet.checks[at].evidence.iter().enumerate().map(piece).collect()
}

pub fn pages<'a>(
    packet: &'a ProofPacket,
    exhibits: &'a Exhibits,
    latest: &HashMap<&str, usize>,
    homes: &HashMap<usize, usize>,
) -> Vec<FeaturePage<'a>> {
    let groups: HashMap<&str, _> = packet.groups.iter().map(|g| (g.id.as_str(), g)).collect();
    let mut landings: HashMap<&str, Vec<&Landing>> = HashMap::new();
    for landing in &packet.landings {
        landings.entry(landing.group.as_deref().unwrap_or_default()).or_default().push(landing);
    }
    let page = |n: usize, row: &'a Feature| {
        let group = groups.get(row.group.as_str()).copied();
        let commits = group.map_or(&[][..], |g| &g.attempts).iter().filter_map(|a| {
            let commit = a.commit.as_deref().filter(|_| a.outcome == AttemptOutcome::Passed)?;
            Some(Made { number: a.number, role: &a.role, commit })
        });
        FeaturePage {
            number: n + 1,
            row,
            mark: row.verdict.into(),
            group_title: group.map_or("", |g| g.title.as_str()),
            runs: row
                .checks
                .iter()
                .map(|id| {
                    let at = latest.get(id.as_str()).copied();
                    let home = at.and_then(|at| homes.get(&at)).copied();
                    let elsewhere = home.filter(|home| *home != n + 1);
                    let here = at.filter(|_| elsewhere.is_none());
                    Proof {
                        evidence: evidence_row(packet, latest, id),
                        run: at.map(|at| run_row(packet, latest, at, &packet.checks[at])),
                        elsewhere,
                        pieces: here.map(|at| pieces(packet, exhibits, at)).unwrap_or_default(),
                    }
                })
                .collect(),
            findings: packet
                .findings
                .iter()
                .filter(|f| f.feature.as_deref() == Some(row.id.as_str()))
                .map(finding_row)
                .collect(),
            judged: packet
                .audit
                .judged
                .iter()
                .filter(|j| j.feature == row.id)
                .map(|row| {
                    let severity = words::severity(row.severity);
                    JudgedRow { row, mark: row.word.into(), severity }
                })
                .collect(),
            struck: packet
                .audit
                .struck_citations
                .iter()
                .filter(|s| s.by.strip_prefix("feature ") == Some(row.id.as_str()))
                .collect(),
            landings: landings.get(row.group.as_str()).cloned().unwrap_or_default(),
            commits: commits.collect(),
        }
    };
    packet.features.iter().enumerate().map(|(n, row)| page(n, row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../../tests/fixtures/proof/sample.json");

    #[test]
    fn what_was_reused_is_shown_where_the_result_is() {
        let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
        let id = packet.features[0].checks[0].clone();
        let last = latest_runs(&packet)[id.as_str()];
        assert!(!packet.checks[last].evidence.is_empty());
        let first = packet.checks[last].clone();
        packet.checks.insert(0, first.clone());
        packet.checks[last + 1].cached = true;
        let found = homes(&packet);
        assert_eq!((found.get(&0), found.get(&(last + 1))), (Some(&1), Some(&1)));
        packet.checks[0].evidence[0].sha256 = crate::base::Sha256::ZERO;
        assert_eq!(homes(&packet).get(&0), None);
    }
}
