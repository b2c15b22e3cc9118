//! What those who judge said and found, as it counts. A judge's word lowers and never raises.

use super::ProductVerdict;
use super::caps::Condition;
use super::seen::Seen;
use crate::session::event::{
    AuditMode, Beyond, Certifier, Finding, FindingKind, JudgedWord, Judgement, Severity,
};
use crate::session::state::Audit;
use crate::spec::Spec;

/// Id of the finding about parts of the spec's structure that are nowhere.
pub const MISSING_PARTS: &str = "scope-structure";

/// What a finding is to the verdict.
pub(super) fn of_finding(spec: &Spec, finding: &Finding) -> Condition {
    let critical = finding.severity == Severity::Critical;
    match (finding.kind, &finding.beyond) {
        (FindingKind::ProductFailure, _) if finding.severity == Severity::Polish => {
            Condition::PolishFailure
        }
        (FindingKind::ProductFailure, _) => Condition::ProductFailure,
        (FindingKind::ProofGap, _) => Condition::ProofGap,
        (FindingKind::Scope, Some(Beyond::RuledOut { .. })) => Condition::RuledOut,
        (FindingKind::Scope, Some(Beyond::Unasked)) if critical => Condition::UnaskedCritical,
        (FindingKind::Scope, Some(Beyond::Unasked)) => Condition::Unasked,
        // Recorded before the two were told apart: where something was ruled out, that was meant.
        (FindingKind::Scope, None) if spec.non_goals.is_empty() => Condition::Unasked,
        (FindingKind::Scope, None) => Condition::RuledOut,
        (FindingKind::Opinion, _) if critical => Condition::OpinionCritical,
        (FindingKind::Opinion, _) => Condition::Opinion,
    }
}

/// What a judge's word is to the verdict; `None` for one that changes nothing.
pub(super) fn of_word(judged: &Judgement) -> Option<Condition> {
    let polish = judged.severity == Severity::Polish;
    match judged.word {
        JudgedWord::Passed => None,
        JudgedWord::Nothing => Some(Condition::JudgeSilent),
        JudgedWord::Failed => Some(Condition::JudgedFailed),
        JudgedWord::Missing => Some(Condition::JudgedMissing),
        JudgedWord::Partial if polish => Some(Condition::JudgedPolish),
        JudgedWord::Partial => Some(Condition::JudgedPartial),
    }
}

/// What the certifier said of the features, as far as it counts.
pub(super) fn words(audit: &Audit) -> &[Judgement] {
    match &audit.finished {
        Some(Certifier::Asked(answered)) => &answered.features,
        Some(Certifier::None | Certifier::Failed { .. } | Certifier::NotAsked) | None => &[],
    }
}

pub(super) fn sentence(judged: &Judgement) -> String {
    match judged.word {
        JudgedWord::Nothing => {
            "The certifier calls it passed and cites no evidence that stands: no word.".to_owned()
        }
        word => {
            format!("The certifier calls it {} ({}): {}", word.word(), judged.severity, judged.why)
        }
    }
}

pub(super) fn judge(out: &mut ProductVerdict, spec: &Spec, audit: &Audit, seen: &[Seen<'_>]) {
    for finding in audit.findings.iter().filter(|f| !seen.iter().any(|s| s.says(f))) {
        let condition = of_finding(spec, finding);
        let text = match (finding.kind, condition.cap().product) {
            (FindingKind::Scope, None) if finding.id == MISSING_PARTS => {
                format!("Missing from the product: {}", finding.text)
            }
            (FindingKind::Scope, None) => format!("Beyond the spec: {}", finding.text),
            (FindingKind::Opinion, None) => format!("Opinion: {}", finding.text),
            (_, _) => finding.text.clone(),
        };
        out.met(condition, format!("finding {}", finding.id), text);
    }
    for judged in words(audit) {
        let Some(condition) = of_word(judged) else { continue };
        out.met(condition, format!("feature {}", judged.feature), sentence(judged));
    }
    if audit.mode == Some(AuditMode::Thorough) {
        for (who, found) in [("certifier", &audit.finished), ("adversary", &audit.adversary)] {
            if let Some(why) = unanswered(found.as_ref()) {
                let text =
                    format!("The audit was to be thorough, and the {who} gave no answer: {why}");
                out.met(Condition::ThoroughUnanswered, "audit", text);
            }
        }
    }
}

fn unanswered(found: Option<&Certifier>) -> Option<String> {
    match found {
        Some(Certifier::Asked(_)) => None,
        Some(Certifier::Failed { provider, why }) => Some(format!("{provider} failed ({why}).")),
        Some(Certifier::None | Certifier::NotAsked) | None => Some("nobody was asked.".to_owned()),
    }
}

/// A later look at the same product (a narrowed audit, or one that was cut off) proves nothing
/// good, but what it saw fail takes the proof away.
pub(super) fn later(out: &mut ProductVerdict, audits: &[Audit], audit: &Audit) {
    let later = audits.iter().skip_while(|a| !std::ptr::eq(*a, audit)).skip(1);
    for other in later.filter(|a| a.tip == audit.tip) {
        for one in super::seen::all(other).iter().filter(|s| s.is_failed()) {
            let text = format!("Failed in a later audit of the same product: {}", one.why);
            out.met(Condition::FailedLater, one.subject(), text);
        }
        for finding in other.findings.iter().filter(|f| f.kind == FindingKind::ProductFailure) {
            let text = format!("Found in a later audit of the same product: {}", finding.text);
            out.met(Condition::FailedLater, format!("finding {}", finding.id), text);
        }
    }
}
