//! One feature's verdict, from what the audit observed.

use super::seen::{POLISH, Seen};
use super::{FeatureVerdict, FeatureWord, is_in};
use crate::check::Status;
use crate::session::State;
use crate::session::event::FindingKind;
use crate::session::state::Audit;
use crate::spec::{Feature, Purpose, Spec};

/// Order of strictness. `missing` is stricter than `partial`: a feature of which nothing was seen
/// is not lifted by what failed beside it.
pub(super) fn rank(word: FeatureWord) -> u8 {
    match word {
        FeatureWord::Passed => 0,
        FeatureWord::Partial => 1,
        FeatureWord::Missing => 2,
        FeatureWord::Failed => 3,
        FeatureWord::Blocked => 4,
    }
}

impl FeatureVerdict {
    fn lower(&mut self, cap: FeatureWord, why: String) {
        if rank(cap) > rank(self.word) {
            self.word = cap;
        }
        self.reasons.push(why);
    }
}

/// `audit` is the one that counts, or why there is none.
pub(super) fn judge(
    feature: &Feature,
    spec: &Spec,
    state: &State,
    audit: Result<&Audit, &str>,
    seen: &[Seen<'_>],
) -> FeatureVerdict {
    let checks: Vec<&str> = spec
        .checks()
        .filter(|(_, c)| c.purpose == Purpose::Acceptance && c.features.contains(&feature.id))
        .map(|(_, c)| c.id.as_str())
        .collect();
    let counts = |s: &&Seen<'_>| match s.scenario {
        Some(scenario) => scenario.features.contains(&feature.id),
        None => checks.contains(&s.id),
    };
    let mine: Vec<&Seen<'_>> = seen.iter().filter(counts).collect();
    let mut ids: Vec<String> = checks.iter().map(|id| (*id).to_owned()).collect();
    for one in mine.iter().filter(|s| s.scenario.is_some()) {
        if !ids.iter().any(|id| id == one.id) {
            ids.push(one.id.to_owned());
        }
    }
    let (id, word) = (feature.id.clone(), FeatureWord::Passed);
    let mut out = FeatureVerdict { id, word, reasons: Vec::new(), checks: ids };

    if !is_in(state.group(&feature.group)) {
        let why = format!("Its group `{}` did not land.", feature.group);
        out.lower(FeatureWord::Blocked, why);
    }
    let audit = match audit {
        Ok(audit) => audit,
        Err(why) => {
            out.lower(FeatureWord::Missing, why.to_owned());
            return out;
        }
    };
    for one in &mine {
        let cap = match one.status {
            Status::Passed => continue,
            Status::Failed if !one.is_polish() => FeatureWord::Failed,
            Status::Failed | Status::NotRun => FeatureWord::Partial,
        };
        out.lower(cap, format!("{}: {}", one.subject(), one.sentence()));
    }
    for id in checks.iter().filter(|id| !seen.iter().any(|s| s.is_check(id))) {
        out.lower(FeatureWord::Partial, format!("check {id}: Not run in the audit."));
    }
    if !mine.iter().any(|s| s.status == Status::Passed) {
        let why = "Nothing that counts was observed to pass.";
        out.lower(FeatureWord::Missing, why.to_owned());
    }
    for finding in audit.findings.iter().filter(|f| f.features.contains(&feature.id)) {
        let cap = match finding.kind {
            FindingKind::ProductFailure if finding.severity != POLISH => FeatureWord::Failed,
            FindingKind::ProductFailure | FindingKind::ProofGap => FeatureWord::Partial,
            FindingKind::Scope | FindingKind::Opinion => continue,
        };
        if mine.iter().any(|s| s.says(finding)) {
            continue;
        }
        out.lower(cap, format!("finding {}: {}", finding.id, finding.text));
    }
    out
}
