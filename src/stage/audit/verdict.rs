//! The verdict: one pure function of the spec, the state and the chain.
//!
//! Whatever keeps the product from being passed is a condition with a cap ([`caps`]), the word is
//! the strictest cap, and no reason hides another. So more red can only add caps and never raises
//! the word. Features are judged by the newest full audit of the product as it is now, and by
//! nothing else: no attempt, no candidate, no earlier tip, no word of an agent.

pub mod caps;
mod feature;
mod judged;
mod limits;
mod record;
mod seen;
#[cfg(test)]
mod tests;

pub use crate::stage::render::packet::{
    Chain as ChainState, FeatureVerdict as FeatureWord, Reason, ReasonKind, Word,
};
pub use caps::{CAPS, Cap, Condition};
pub use judged::MISSING_PARTS;
pub use record::is_in;

use crate::base::Exit;
use crate::session::State;
use crate::session::state::Audit;
use crate::spec::Spec;

/// Of a feature whose group's work is not in the product.
pub const GROUP_OUT: &str = "Its group did not land.";
/// Of a check of the spec that the audit left out.
pub const NOT_AUDITED: &str = "Not run in the audit.";

/// What is known about the product, and how far it carries.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductVerdict {
    pub word: Word,
    /// Everything that lowered it; each caps the word.
    pub reasons: Vec<Reason>,
    /// Limits of the evidence that do not lower it, in plain words.
    pub limits: Vec<String>,
    /// In the order of the spec.
    pub features: Vec<FeatureVerdict>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureVerdict {
    pub id: String,
    pub word: FeatureWord,
    /// Why it is not passed.
    pub reasons: Vec<String>,
    /// Ids of the checks and scenarios that are evidence for it.
    pub checks: Vec<String>,
}

impl Word {
    pub fn word(self) -> &'static str {
        match self {
            Word::Passed => "passed",
            Word::Unverified => "unverified",
            Word::Partial => "partial",
            Word::Failed => "failed",
            Word::Blocked => "blocked",
        }
    }

    /// Only `passed` is yes.
    pub fn exit(self) -> Exit {
        match self {
            Word::Passed => Exit::YES,
            Word::Unverified | Word::Partial | Word::Failed | Word::Blocked => Exit::NO,
        }
    }

    /// Order of strictness, 0 for `passed`.
    pub fn rank(self) -> u8 {
        match self {
            Word::Passed => 0,
            Word::Unverified => 1,
            Word::Partial => 2,
            Word::Failed => 3,
            Word::Blocked => 4,
        }
    }
}

impl ProductVerdict {
    fn new() -> Self {
        let (reasons, limits, features) = (Vec::new(), Vec::new(), Vec::new());
        Self { word: Word::Passed, reasons, limits, features }
    }

    /// A condition holds: its cap is a reason, and without one it is a limit.
    pub fn met(
        &mut self,
        condition: Condition,
        subject: impl Into<String>,
        text: impl Into<String>,
    ) {
        let (subject, text) = (subject.into(), text.into());
        match condition.cap().product {
            Some(cap) => self.lower(cap, subject, text),
            None => self.limit(format!("{subject}: {text}")),
        }
    }

    /// Adds a reason; the word is never better than its cap.
    fn lower(&mut self, cap: Word, subject: impl Into<String>, text: impl Into<String>) {
        if cap.rank() > self.word.rank() {
            self.word = cap;
        }
        let reason = Reason {
            kind: ReasonKind::Lowered { cap },
            text: text.into(),
            subject: Some(subject.into()),
        };
        // The same thing seen twice is one reason.
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    fn limit(&mut self, text: String) {
        if !self.limits.contains(&text) {
            self.limits.push(text);
        }
    }
}

/// Judges the product as it is at the journal's tip.
pub fn verdict(spec: &Spec, state: &State, chain: &ChainState) -> ProductVerdict {
    let mut out = ProductVerdict::new();
    record::judge(&mut out, spec, state, chain);
    let audit = current_audit(state);
    let seen = audit.as_ref().map_or_else(|_| Vec::new(), |a| seen::all(a));
    match &audit {
        Err(why) => out.met(Condition::NotAudited, "audit", why.clone()),
        Ok(audit) => {
            seen::judge(&mut out, spec, state, &seen);
            judged::judge(&mut out, spec, audit, &seen);
            judged::later(&mut out, &state.audits, audit);
            limits::of_audit(&mut out, audit, &seen);
        }
    }
    let audit = audit.as_ref().map(|a| *a).map_err(String::as_str);
    out.features =
        spec.features.iter().map(|f| feature::judge(f, spec, state, audit, &seen)).collect();
    judge_features(&mut out);
    limits::of_work(&mut out, spec, state);
    out
}

/// The newest full audit, if it judged the product as it is now; else why there is none.
fn current_audit(state: &State) -> Result<&Audit, String> {
    let Some(audit) = state.last_full_audit() else {
        return Err("The product was not audited as a whole.".to_owned());
    };
    match state.tip() {
        Some(tip) if tip == audit.tip => Ok(audit),
        Some(tip) => Err(format!(
            "The last full audit judged {}, and the product is now {}.",
            audit.tip.short(),
            tip.short()
        )),
        None => Err("The journal names no commit that could have been audited.".to_owned()),
    }
}

fn judge_features(out: &mut ProductVerdict) {
    let words: Vec<(String, FeatureWord)> =
        out.features.iter().map(|f| (f.id.clone(), f.word)).collect();
    let any = |wanted| words.iter().any(|(_, w)| *w == wanted);
    if words.is_empty() {
        let text = "The spec has no feature that could be judged.";
        out.met(Condition::NoFeature, "spec", text);
    }
    if any(FeatureWord::Failed) && !any(FeatureWord::Passed) {
        let text = "No feature passed, and at least one failed.";
        out.met(Condition::AllFailed, "product", text);
    }
    for (id, word) in words {
        let (condition, text) = match word {
            FeatureWord::Passed => continue,
            FeatureWord::Failed => (Condition::FeatureFailed, "It does not do what was promised."),
            FeatureWord::Blocked => (Condition::FeatureBlocked, GROUP_OUT),
            FeatureWord::Partial => (Condition::FeaturePartial, "It was shown in part only."),
            FeatureWord::Missing => {
                (Condition::FeatureMissing, "Nothing that counts was observed.")
            }
        };
        out.met(condition, format!("feature {id}"), text);
    }
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.subject {
            Some(subject) => write!(f, "{subject}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl std::fmt::Display for FeatureWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            FeatureWord::Passed => "passed",
            FeatureWord::Failed => "failed",
            FeatureWord::Partial => "partial",
            FeatureWord::Blocked => "blocked",
            FeatureWord::Missing => "missing",
        })
    }
}
