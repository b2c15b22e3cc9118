//! One feature's verdict, from what the audit observed.

use super::record::is_in;
use super::seen::{self, Seen};
use super::{Condition, FeatureVerdict, FeatureWord, judged};
use crate::check::Status;
use crate::session::State;
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
    /// A condition holds; one that does not cap features says nothing here.
    fn met(&mut self, condition: Condition, why: String) {
        let Some(cap) = condition.cap().feature else { return };
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
        out.met(Condition::GroupNotIn, why);
    }
    let audit = match audit {
        Ok(audit) => audit,
        Err(why) => {
            out.met(Condition::NotAudited, why.to_owned());
            return out;
        }
    };
    for one in &mine {
        if let Some(condition) = one.condition() {
            out.met(condition, format!("{}: {}", one.subject(), one.sentence()));
        }
    }
    for id in checks.iter().filter(|id| !seen.iter().any(|s| s.is_check(id))) {
        out.met(Condition::CheckLeftOut, format!("check {id}: Not run in the audit."));
    }
    for id in seen::of_nothing(spec, state).filter(|id| checks.contains(id)) {
        out.met(Condition::EvidenceOfNothing, format!("check {id}: {}", seen::OF_NOTHING));
    }
    if !mine.iter().any(|s| s.status == Status::Passed) {
        let why = "Nothing that counts was observed to pass.";
        out.met(Condition::NothingPassed, why.to_owned());
    }
    for finding in audit.findings.iter().filter(|f| f.features.contains(&feature.id)) {
        if !mine.iter().any(|s| s.says(finding)) {
            let why = format!("finding {}: {}", finding.id, finding.text);
            out.met(judged::of_finding(spec, finding), why);
        }
    }
    for word in judged::words(audit).iter().filter(|w| w.feature == feature.id) {
        if let Some(condition) = judged::of_word(word) {
            out.met(condition, judged::sentence(word));
        }
    }
    out
}
