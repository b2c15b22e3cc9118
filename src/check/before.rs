//! Whose failure it is: a red check beside its run on the base. "It failed before" is decided by
//! running it there.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Outcome, Reason};
use crate::base::text::{count, one_line};

/// More names of tests are left out.
const MOST: usize = 20;
const LONGEST: usize = 200;

/// What a red check said on the base.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Before {
    pub age: Age,
    /// The commit that it ran on, and how it ended there.
    pub commit: String,
    pub reason: Reason,
    /// Failed tests that failed there as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old: Vec<String>,
    /// Failed tests that did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Age {
    /// It is red only here.
    New,
    /// It was red on the base.
    Old,
    /// Some of the tests that fail failed on the base, and some did not.
    Mixed,
}

impl Age {
    pub fn word(self) -> &'static str {
        match self {
            Age::New => "new",
            Age::Old => "old",
            Age::Mixed => "mixed",
        }
    }
}

impl Before {
    /// `here` is red. The names are of failed tests, as far as the reports tell them.
    pub fn of(here: &BTreeSet<String>, on_base: &Outcome, there: &BTreeSet<String>) -> Self {
        let (old, new): (Vec<&String>, Vec<&String>) =
            here.iter().partition(|n| there.contains(*n));
        // Tests are told apart only where both reports name theirs.
        let named = !here.is_empty() && (on_base.is_pass() || !there.is_empty());
        let age = match (on_base.is_pass(), named, old.len(), new.len()) {
            (true, ..) => Age::New,
            (false, true, 0, _) => Age::New,
            (false, true, _, 0) => Age::Old,
            (false, true, ..) => Age::Mixed,
            (false, false, ..) => Age::Old,
        };
        let some = |names: Vec<&String>| -> Vec<String> {
            names.into_iter().take(MOST).map(|n| one_line(n, LONGEST)).collect()
        };
        let (old, new) = if named { (some(old), some(new)) } else { (Vec::new(), Vec::new()) };
        Self { age, commit: on_base.commit().to_owned(), reason: on_base.reason(), old, new }
    }

    /// One sentence for people and for builders.
    pub fn sentence(&self) -> String {
        let at = self.commit.get(..10).unwrap_or(&self.commit);
        let tests = |names: &[String]| names.join(", ");
        match self.age {
            Age::New if self.reason == Reason::Ok => format!("new: it passed before (at {at})"),
            Age::New => {
                format!("new: what fails here did not fail before (at {at}): {}", tests(&self.new))
            }
            Age::Old => {
                let why = self.reason;
                format!("old: it was red before this work as well ({why} at {at})")
            }
            Age::Mixed => format!(
                "{}, of which {} failed before (at {at}): {}; new: {}",
                count(self.old.len() + self.new.len(), "failed test"),
                self.old.len(),
                tests(&self.old),
                tests(&self.new)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Provenance;

    fn names(text: &str) -> BTreeSet<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn failures_are_told_apart_by_name_where_both_reports_name_them() {
        let of = Provenance { commit: "c".repeat(40), tree: "t".into(), ..Provenance::default() };
        let red = Outcome::red(Reason::TestsFailed, "x", of.clone());
        for (here, there, age, old, new) in [
            ("a b", "b c", Age::Mixed, "b", "a"),
            ("a b", "a b", Age::Old, "a b", ""),
            ("a", "b", Age::New, "", "a"),
            ("a", "", Age::Old, "", ""),
            ("", "a", Age::Old, "", ""),
            ("", "", Age::Old, "", ""),
        ] {
            let before = Before::of(&names(here), &red, &names(there));
            assert_eq!(before.age, age, "{here} / {there}");
            assert_eq!(
                (before.old, before.new),
                (names(old).into_iter().collect(), names(new).into_iter().collect::<Vec<_>>())
            );
        }
        let before = Before::of(&names("a b"), &red, &names("b"));
        assert_eq!(
            before.sentence(),
            "2 failed tests, of which 1 failed before (at cccccccccc): b; new: a"
        );
        let outcome = red.clone().beside(Some(before.clone()));
        let text = serde_json::to_string(&outcome).expect("JSON");
        assert_eq!(serde_json::from_str::<Outcome>(&text).expect("read back"), outcome);
        // A record of an earlier Otto has none.
        let older = serde_json::to_string(&red).expect("JSON");
        assert!(!older.contains("before"), "{older}");
        let forged = text.replace("tests_failed", "ok").replace("\"failed\"", "\"passed\"");
        assert!(serde_json::from_str::<Outcome>(&forged).is_err(), "{forged}");
    }
}
