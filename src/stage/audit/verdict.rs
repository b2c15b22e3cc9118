//! The verdict: one pure function of the spec, the state and the chain.
//!
//! Whatever keeps the product from being passed is a reason with a cap, the word is the strictest
//! cap, and no reason hides another. So more red can only add caps and never raises the word.
//! Features are judged by the newest full audit of the product as it is now, and by nothing else:
//! no attempt, no candidate, no earlier tip, no word of an agent.

mod feature;
mod seen;
#[cfg(test)]
mod tests;

pub use crate::stage::render::packet::{
    Chain as ChainState, FeatureVerdict as FeatureWord, Reason, ReasonKind, Word,
};

use crate::base::Exit;
use crate::base::text::count;
use crate::check::Status;
use crate::session::State;
use crate::session::event::{Certifier, FindingKind};
use crate::session::state::{Audit, GroupState, Phase, SpecState};
use crate::spec::{CheckBody, Counts, Group, Spec, verify_chain};
use seen::Seen;

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

    /// Adds a reason; the word is never better than its cap.
    pub fn lower(&mut self, cap: Word, subject: impl Into<String>, text: impl Into<String>) {
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
    judge_record(&mut out, spec, state, chain);
    judge_groups(&mut out, spec, state);
    let audit = current_audit(state);
    let seen = audit.as_ref().map_or_else(|_| Vec::new(), |a| seen::all(a));
    match &audit {
        Err(why) => out.lower(Word::Unverified, "audit", why.clone()),
        Ok(audit) => {
            judge_observations(&mut out, spec, &seen);
            judge_findings(&mut out, spec, audit, &seen);
            judge_later(&mut out, state, audit);
            note_limits(&mut out, audit, &seen);
        }
    }
    let audit = audit.as_ref().map(|a| *a).map_err(String::as_str);
    out.features =
        spec.features.iter().map(|f| feature::judge(f, spec, state, audit, &seen)).collect();
    judge_features(&mut out);
    for landing in state.landings.iter().filter(|l| l.group == "adopted") {
        out.limit(format!(
            "Commit {} was put into the product by a person and was not tested before it.",
            landing.new.short()
        ));
    }
    for (gid, group) in &state.groups {
        let landed = group.landed.as_ref().and_then(|l| l.attempt);
        let attempt = group.attempts.iter().find(|a| Some(a.number) == landed);
        let turn = attempt.and_then(|a| a.finished.as_ref()).map(|f| f.turn.as_str());
        if matches!(turn, Some("interrupted" | "stopped" | "timed out" | "ended without done")) {
            out.limit(format!(
                "The agent's last turn on group `{gid}` ended before it said that it was done; what it left passed its checks."
            ));
        }
    }
    for (_, check) in spec.checks() {
        if matches!(check.body(), Ok(CheckBody::RepoTest(t)) if t.counts == Counts::Exit) {
            let id = &check.id;
            out.limit(format!(
                "Check `{id}` is judged by its exit code alone: it counts no tests."
            ));
        }
    }
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

/// The journal and the spec: whether what is read here is what happened and what was agreed.
fn judge_record(out: &mut ProductVerdict, spec: &Spec, state: &State, chain: &ChainState) {
    match chain {
        ChainState::Intact => {}
        ChainState::Broken { what } => {
            out.lower(
                Word::Unverified,
                "journal",
                format!("The journal cannot be trusted: {what}"),
            );
        }
    }
    if let Some(kind) = &state.unknown_kind {
        let text = format!("The journal holds an event that this program does not know: `{kind}`.");
        out.lower(Word::Unverified, "journal", text);
    }
    if let Some(open) = &state.open_landing {
        let text =
            format!("A landing of `{}` was announced and never recorded as done.", open.group);
        out.lower(Word::Unverified, format!("group {}", open.group), text);
    }
    match &state.spec {
        SpecState::Approved { sha256, first, .. } => {
            if let Err(why) = verify_chain(spec, *first, &state.spec_links) {
                let text = format!("The spec does not follow from what was approved: {why}");
                out.lower(Word::Unverified, "spec", text);
            } else if spec.content_hash() != *sha256 {
                let text = "The spec is not the one that the journal names as approved.";
                out.lower(Word::Unverified, "spec", text);
            }
        }
        SpecState::None => out.lower(Word::Unverified, "spec", "There is no spec yet."),
        SpecState::Compiled { .. } => {
            out.lower(Word::Unverified, "spec", "The spec was not approved.");
        }
        SpecState::Rejected { note } => {
            out.lower(Word::Unverified, "spec", format!("The spec was rejected: {note}"));
        }
    }
}

/// Whether a group's work is in the product, also while it is being repaired.
pub(super) fn is_in(group: Option<&GroupState>) -> bool {
    group.is_some_and(|g| g.phase.is_in() || g.landed.is_some())
}

fn judge_groups(out: &mut ProductVerdict, spec: &Spec, state: &State) {
    if !spec.groups.iter().any(|g| is_in(state.group(&g.id))) {
        out.lower(Word::Blocked, "product", "No group's work is in the product.");
    }
    for group in &spec.groups {
        let found = state.group(&group.id);
        let phase = state.phase(&group.id);
        if phase.is_in() {
            continue;
        }
        let subject = format!("group {}", group.id);
        let how = how_it_stands(group, &phase);
        if is_in(found) {
            out.lower(Word::Unverified, subject, format!("What landed was reopened. {how}"));
        } else {
            out.lower(Word::Partial, subject, format!("Not in the product. {how}"));
        }
    }
}

fn how_it_stands(group: &Group, phase: &Phase) -> String {
    let title = &group.title;
    match phase {
        Phase::Pending | Phase::Building { .. } | Phase::Passing { .. } | Phase::Landed => {
            format!("\"{title}\" is {}.", phase.word())
        }
        Phase::Redundant { held_by } => format!("\"{title}\" is held by {}.", held_by.short()),
        Phase::Failed { reason } => format!("\"{title}\" failed: {reason}"),
        Phase::Blocked { by } => format!("\"{title}\" waits for {}.", by.join(", ")),
        Phase::Invalidated { brief, .. } => format!("\"{title}\" was sent back: {brief}"),
        Phase::Aborted { reason } => format!("\"{title}\" was aborted: {reason}"),
    }
}

fn judge_observations(out: &mut ProductVerdict, spec: &Spec, seen: &[Seen<'_>]) {
    for one in seen {
        let cap = match one.status {
            Status::Passed => continue,
            Status::Failed => Word::Partial,
            Status::NotRun => Word::Unverified,
        };
        out.lower(cap, one.subject(), one.sentence());
    }
    for (_, check) in spec.checks() {
        if !seen.iter().any(|s| s.is_check(&check.id)) {
            out.lower(Word::Unverified, format!("check {}", check.id), "Not run in the audit.");
        }
    }
}

fn judge_findings(out: &mut ProductVerdict, spec: &Spec, audit: &Audit, seen: &[Seen<'_>]) {
    for finding in audit.findings.iter().filter(|f| !seen.iter().any(|s| s.says(f))) {
        let subject = format!("finding {}", finding.id);
        let text = &finding.text;
        match finding.kind {
            FindingKind::ProductFailure => out.lower(Word::Partial, subject, text),
            FindingKind::ProofGap => out.lower(Word::Unverified, subject, text),
            // Without anything that was ruled out, more than was asked for is a matter of taste.
            FindingKind::Scope if spec.non_goals.is_empty() => {
                out.limit(format!("Scope, as the certifier sees it: {text}"));
            }
            FindingKind::Scope => out.lower(Word::Partial, subject, text),
            FindingKind::Opinion => out.limit(format!("Opinion of the certifier: {text}")),
        }
    }
}

/// A later look at the same product (a narrowed audit, or one that was cut off) proves nothing
/// good, but what it saw fail takes the proof away.
fn judge_later(out: &mut ProductVerdict, state: &State, audit: &Audit) {
    let later = state.audits.iter().skip_while(|a| !std::ptr::eq(*a, audit)).skip(1);
    for other in later.filter(|a| a.tip == audit.tip) {
        for one in seen::all(other).iter().filter(|s| s.status == Status::Failed) {
            let text = format!("Failed in a later audit of the same product: {}", one.why);
            out.lower(Word::Unverified, one.subject(), text);
        }
        for finding in other.findings.iter().filter(|f| f.kind == FindingKind::ProductFailure) {
            let text = format!("Found in a later audit of the same product: {}", finding.text);
            out.lower(Word::Unverified, format!("finding {}", finding.id), text);
        }
    }
}

fn judge_features(out: &mut ProductVerdict) {
    let words: Vec<(String, FeatureWord)> =
        out.features.iter().map(|f| (f.id.clone(), f.word)).collect();
    let any = |wanted| words.iter().any(|(_, w)| *w == wanted);
    if words.is_empty() {
        out.lower(Word::Unverified, "spec", "The spec has no feature that could be judged.");
    }
    if any(FeatureWord::Failed) && !any(FeatureWord::Passed) {
        out.lower(Word::Failed, "product", "No feature passed, and at least one failed.");
    }
    for (id, word) in words {
        let (cap, text) = match word {
            FeatureWord::Passed => continue,
            FeatureWord::Failed => (Word::Partial, "It does not do what was promised."),
            FeatureWord::Blocked => (Word::Partial, "Its group did not land."),
            FeatureWord::Partial => (Word::Unverified, "It was shown in part only."),
            FeatureWord::Missing => (Word::Unverified, "Nothing that counts was observed."),
        };
        out.lower(cap, format!("feature {id}"), text);
    }
}

fn note_limits(out: &mut ProductVerdict, audit: &Audit, seen: &[Seen<'_>]) {
    match &audit.finished {
        None | Some(Certifier::None | Certifier::NotAsked) => {
            out.limit("No certifier looked at the product: the audit was deterministic.".to_owned())
        }
        Some(Certifier::Failed { provider, why }) => out.limit(format!(
            "No certifier looked at the product: {provider} was asked and failed ({why})."
        )),
        Some(Certifier::Asked { struck: 0, .. }) => {}
        Some(Certifier::Asked { provider, struck }) => out.limit(format!(
            "{} of the certifier {provider} struck: no such evidence.",
            count(*struck as usize, "citation")
        )),
    }
    if !seen.iter().any(|s| s.scenario.is_some()) {
        out.limit(
            "No scenario was run: every check was written together with the spec.".to_owned(),
        );
    }
    for one in seen {
        if let Some(scenario) = one.scenario.filter(|s| !s.held_out) {
            let id = &scenario.id;
            out.limit(format!("Scenario `{id}` was not held out: builders could have read it."));
        }
        if one.flaky {
            let id = one.id;
            out.limit(format!("`{id}` is flaky: it failed, and passed when it was run again."));
        }
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
