//! The caps: what the product, and a feature, can be at best while a condition holds. Data, and the
//! only place that says so; whoever meets a condition names it and says what it met.
//!
//! A condition that caps neither is still told: as a limit of the evidence.

use super::{FeatureWord, Word};

/// What one condition allows.
#[derive(Debug, Clone, Copy)]
pub struct Cap {
    pub condition: Condition,
    /// As in `docs/audit.md`.
    pub name: &'static str,
    /// The product is at best this.
    pub product: Option<Word>,
    /// The feature that it concerns is at best this.
    pub feature: Option<FeatureWord>,
    /// In plain words.
    pub what: &'static str,
}

macro_rules! word {
    ($of:ident -) => {
        None
    };
    ($of:ident $word:ident) => {
        Some($of::$word)
    };
}

macro_rules! caps {
    ($($condition:ident $name:literal $product:tt $feature:tt $what:literal;)*) => {
        /// Why something is not passed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Condition { $($condition),* }

        /// In the order of the conditions.
        pub const CAPS: &[Cap] = &[$(Cap {
            condition: Condition::$condition,
            name: $name,
            product: word!(Word $product),
            feature: word!(FeatureWord $feature),
            what: $what,
        }),*];
    };
}

caps! {
    JournalBroken "journal_broken" Unverified - "the journal's chain does not hold";
    EventUnknown "event_unknown" Unverified - "the journal holds an event that this Otto does not know";
    LandingOpen "landing_open" Unverified - "a landing was announced and never recorded as done";
    SpecChainBroken "spec_chain_broken" Unverified - "the spec does not follow from what was approved";
    SpecDiffers "spec_differs" Unverified - "the spec is not the one that the journal names";
    SpecAbsent "spec_absent" Unverified - "there is no spec, or nobody approved it";
    NoFeature "no_feature" Unverified - "the spec has no feature that could be judged";
    NothingLanded "nothing_landed" Blocked - "no group's work is in the product";
    GroupReopened "group_reopened" Unverified - "what landed was sent back to its builder";
    GroupNotIn "group_not_in" Partial Blocked "a group's work is not in the product";
    NotAudited "not_audited" Unverified Missing "no full audit judged the product as it is now";
    CheckFailed "check_failed" Partial Failed "a check or a scenario failed";
    PolishFailed "polish_failed" Partial Partial "a scenario of the severity `polish` failed";
    CheckNotRun "check_not_run" Unverified Partial "a check or a scenario could not be run";
    CheckLeftOut "check_left_out" Unverified Partial "a check of the spec was not run in the audit";
    EvidenceOfNothing "evidence_of_nothing" Unverified Partial "a check of this product stays green without the work that it speaks for (`otto check --mutate`)";
    NothingPassed "nothing_passed" - Missing "nothing that counts was observed to pass";
    EvidenceLost "evidence_lost" Unverified - "evidence of the audit is not there as it was captured";
    FailedLater "failed_later" Unverified - "a later look at the same product saw a failure";
    ProductFailure "product_failure" Partial Failed "a finding with a reproduction that Otto ran and that failed";
    PolishFailure "polish_failure" Partial Partial "the same, of the severity `polish`";
    ProofGap "proof_gap" Unverified Partial "a finding that something is not shown";
    RuledOut "ruled_out" Partial - "a finding that the product has what a non-goal rules out";
    UnaskedCritical "unasked_critical" Unverified - "a critical finding that the product has what nobody asked for";
    Unasked "unasked" - - "the same, less than critical";
    OpinionCritical "opinion_critical" Unverified Partial "a critical finding that nobody reproduced";
    Opinion "opinion" - - "the same, less than critical";
    JudgedFailed "judged_failed" Unverified Partial "the certifier calls the feature failed, and nothing was reproduced";
    JudgedMissing "judged_missing" Unverified Partial "the certifier finds nothing that shows the feature";
    JudgedPartial "judged_partial" Unverified Partial "the certifier finds the feature shown in part";
    JudgedPolish "judged_polish" - - "the certifier misses something of the severity `polish`";
    JudgeSilent "judge_silent" - - "the certifier calls the feature passed and cites no evidence that stands";
    ThoroughUnanswered "thorough_unanswered" Unverified - "the mode is `thorough`, and the certifier or the adversary gave no answer";
    AllFailed "all_failed" Failed - "no feature passed, and at least one failed";
    FeatureFailed "feature_failed" Partial - "a feature failed";
    FeatureBlocked "feature_blocked" Partial - "a feature is blocked";
    FeaturePartial "feature_partial" Unverified - "a feature is partial";
    FeatureMissing "feature_missing" Unverified - "a feature is missing";
}

impl Condition {
    pub fn cap(self) -> &'static Cap {
        &CAPS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../../docs/audit.md");

    #[test]
    fn every_condition_has_its_row() {
        for (n, cap) in CAPS.iter().enumerate() {
            assert_eq!(cap.condition as usize, n, "{}", cap.name);
            assert_eq!(cap.condition.cap().name, cap.name);
        }
    }

    #[test]
    fn nothing_that_caps_leaves_anything_passed() {
        for cap in CAPS {
            assert_ne!(cap.product, Some(Word::Passed), "{}", cap.name);
            assert_ne!(cap.feature, Some(FeatureWord::Passed), "{}", cap.name);
        }
    }

    #[test]
    fn the_page_has_every_row() {
        for cap in CAPS {
            let product = cap.product.map_or("", Word::word);
            let feature = cap.feature.map_or(String::new(), |w| w.to_string());
            let row = format!("| `{}` | {product} | {feature} | {} |", cap.name, cap.what);
            assert!(PAGE.contains(&row), "docs/audit.md has no row:\n{row}");
        }
        let rows = PAGE.lines().skip_while(|l| *l != "## Caps").filter(|l| l.starts_with("| `"));
        assert_eq!(rows.count(), CAPS.len(), "docs/audit.md has rows that are no caps");
    }
}
