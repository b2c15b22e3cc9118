//! The word and the tone with which a state is shown. Four tones, each with a sign of its own:
//! colour alone never says anything.

use serde::Serialize;

use super::packet::{
    AttemptOutcome, AuditOutcome, CheckOutcome, FeatureVerdict, FindingKind, GroupState,
    JudgedWord, Phase, RepairOutcome, Severity, Visibility, Word,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    Good,
    Warn,
    Bad,
    Grey,
}

impl Tone {
    /// Also the name of its CSS class.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Warn => "warn",
            Tone::Bad => "bad",
            Tone::Grey => "grey",
        }
    }

    pub fn sign(self) -> &'static str {
        match self {
            Tone::Good => "✓",
            Tone::Warn => "!",
            Tone::Bad => "✕",
            Tone::Grey => "–",
        }
    }
}

/// How one state is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Mark {
    pub word: &'static str,
    pub tone: Tone,
    pub sign: &'static str,
}

fn mark(word: &'static str, tone: Tone) -> Mark {
    Mark { word, tone, sign: tone.sign() }
}

impl From<Word> for Mark {
    fn from(word: Word) -> Mark {
        match word {
            Word::Passed => mark("passed", Tone::Good),
            Word::Unverified => mark("unverified", Tone::Warn),
            Word::Partial => mark("partial", Tone::Warn),
            Word::Failed => mark("failed", Tone::Bad),
            Word::Blocked => mark("blocked", Tone::Grey),
        }
    }
}

/// What a verdict means, for somebody who has never seen one.
pub fn meaning(word: Word) -> &'static str {
    match word {
        Word::Passed => {
            "Every feature was shown to work by checks that Otto ran itself, and code landed only \
             after it had been tested."
        }
        Word::Unverified => {
            "The code has landed, but evidence is missing for part of it. Nothing is known to be \
             broken; not everything is known to work."
        }
        Word::Partial => {
            "Part of what was asked for works and has landed. The rest does not, or was not shown to."
        }
        Word::Failed => "The product was built, but it does not do what was asked for.",
        Word::Blocked => "Nothing could land, so there is no product to judge.",
    }
}

impl From<FeatureVerdict> for Mark {
    fn from(verdict: FeatureVerdict) -> Mark {
        match verdict {
            FeatureVerdict::Passed => mark("passed", Tone::Good),
            FeatureVerdict::Failed => mark("failed", Tone::Bad),
            FeatureVerdict::Partial => mark("partial", Tone::Warn),
            FeatureVerdict::Blocked => mark("blocked", Tone::Grey),
            FeatureVerdict::Missing => mark("missing", Tone::Grey),
        }
    }
}

impl From<GroupState> for Mark {
    fn from(state: GroupState) -> Mark {
        match state {
            GroupState::Waiting => mark("waiting", Tone::Grey),
            GroupState::Running => mark("running", Tone::Warn),
            GroupState::Passing => mark("passing, not landed", Tone::Warn),
            GroupState::Landed => mark("landed", Tone::Good),
            GroupState::Redundant => mark("redundant", Tone::Good),
            GroupState::Failed => mark("failed", Tone::Bad),
            GroupState::Blocked => mark("blocked", Tone::Grey),
            GroupState::Aborted => mark("aborted", Tone::Grey),
        }
    }
}

impl From<AttemptOutcome> for Mark {
    fn from(outcome: AttemptOutcome) -> Mark {
        match outcome {
            AttemptOutcome::Running => mark("running", Tone::Warn),
            AttemptOutcome::Passed => mark("passed", Tone::Good),
            AttemptOutcome::Failed => mark("failed", Tone::Bad),
            AttemptOutcome::Violation => mark("violation", Tone::Bad),
            AttemptOutcome::Empty => mark("no change", Tone::Grey),
            AttemptOutcome::Interrupted => mark("interrupted", Tone::Warn),
            AttemptOutcome::ProviderError => mark("provider error", Tone::Warn),
        }
    }
}

impl From<CheckOutcome> for Mark {
    fn from(outcome: CheckOutcome) -> Mark {
        match outcome {
            CheckOutcome::Passed => mark("passed", Tone::Good),
            CheckOutcome::Failed => mark("failed", Tone::Bad),
            CheckOutcome::NotRun => mark("not run", Tone::Warn),
        }
    }
}

impl From<AuditOutcome> for Mark {
    fn from(outcome: AuditOutcome) -> Mark {
        match outcome {
            AuditOutcome::Passed => mark("passed", Tone::Good),
            AuditOutcome::Failed => mark("failed", Tone::Bad),
            AuditOutcome::NotRun => mark("not run", Tone::Warn),
        }
    }
}

impl From<JudgedWord> for Mark {
    fn from(word: JudgedWord) -> Mark {
        match word {
            JudgedWord::Passed | JudgedWord::Nothing => mark(word.word(), Tone::Grey),
            JudgedWord::Failed | JudgedWord::Partial | JudgedWord::Missing => {
                mark(word.word(), Tone::Warn)
            }
        }
    }
}

impl From<RepairOutcome> for Mark {
    fn from(outcome: RepairOutcome) -> Mark {
        match outcome {
            RepairOutcome::Repaired => mark("repaired", Tone::Good),
            RepairOutcome::NotRepaired => mark("not repaired", Tone::Bad),
            RepairOutcome::Running => mark("running", Tone::Warn),
        }
    }
}

impl From<Visibility> for Mark {
    fn from(visibility: Visibility) -> Mark {
        match visibility {
            Visibility::HeldOut => mark("held out", Tone::Good),
            Visibility::VisibleToBuilders => mark("visible to builders", Tone::Warn),
        }
    }
}

pub fn finding_kind(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::ProductFailure => "Product failure",
        FindingKind::ProofGap => "Proof gap",
        FindingKind::Scope => "Scope",
        FindingKind::Opinion => "Opinion",
    }
}

/// An open product failure is red, what was repaired is green, what only advises is grey.
pub fn finding_mark(kind: FindingKind, repaired: Repaired) -> Mark {
    match repaired {
        Repaired::Yes => mark("repaired", Tone::Good),
        Repaired::No => match kind {
            FindingKind::ProductFailure => mark("open", Tone::Bad),
            FindingKind::ProofGap | FindingKind::Scope => mark("open", Tone::Warn),
            FindingKind::Opinion => mark("noted", Tone::Grey),
        },
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repaired {
    Yes,
    No,
}

pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

/// Title and explanation of a phase, for the reader of the page.
pub fn phase(phase: Phase) -> (&'static str, &'static str) {
    match phase {
        Phase::Base => (
            "Before the work",
            "On the commit that a group started from. An acceptance check has to fail here, or \
             passing later would prove nothing.",
        ),
        Phase::Attempt => ("On each attempt", "On the tree that one agent turn left behind."),
        Phase::Candidate => (
            "On the merge that was about to land",
            "On the merge of a group with everything before it. Only a tree that passed could land.",
        ),
        Phase::Audit => ("On the integrated product", "On the product as a whole."),
        Phase::Scenario => {
            ("Scenarios", "Written apart from the spec and run on the integrated product.")
        }
    }
}

/// What an audit of that mode looks at.
pub fn audit_mode(mode: &str) -> &'static str {
    match mode {
        "fast" => "checks and scenarios only; nobody was asked to judge",
        "standard" => "checks and scenarios, then a certifier where one is configured",
        "thorough" => "checks and scenarios, a certifier, and somebody who attacks the product",
        _ => "",
    }
}

/// The short name of a phase, beside a check.
pub fn phase_short(phase: Phase) -> &'static str {
    match phase {
        Phase::Base => "base",
        Phase::Attempt => "attempt",
        Phase::Candidate => "merge candidate",
        Phase::Audit => "integrated product",
        Phase::Scenario => "scenario",
    }
}
