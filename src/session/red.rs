//! Red checks in few words: what failed belongs into the line that says that something did.

use crate::base::Json;
use crate::base::text::one_line;
use crate::session::event::{AttemptOutcome, CheckPhase};
use crate::session::state::GroupState;

/// As much of a check's own line as fits beside its name.
const DETAIL: usize = 100;

/// What the checks said when a group's work, or its candidate, was judged last, as the journal has
/// it, in its order. Read only when somebody asks.
#[derive(Debug, Clone, Default)]
pub struct Red(Vec<(String, Json)>);

impl Red {
    /// A run of a check, after those before it: only the newest of each says something.
    pub(super) fn note(&mut self, check: &str, outcome: &Json) {
        self.0.retain(|(id, _)| id != check);
        self.0.push((check.to_owned(), outcome.clone()));
    }

    /// `adds (step 4: the address is /books) and 2 more`: what failed before what did not run.
    pub fn words(&self) -> Option<String> {
        let all = self.0.iter().map(|(check, outcome)| (check, outcome.value()));
        let red: Vec<_> = all.filter(|(_, o)| o["outcome"] != "passed").collect();
        let failed = red.iter().find(|(_, o)| o["outcome"] == "failed");
        let (check, outcome) = failed.or(red.first())?;
        let text = |key: &str| outcome[key].as_str().unwrap_or("").to_owned();
        let detail = Some(text("detail")).filter(|d| !d.is_empty());
        let why = detail.unwrap_or_else(|| text("reason").replace('_', " "));
        let more = match red.len() - 1 {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let word = if failed.is_some() { "" } else { "not run: " };
        Some(format!("{check} ({word}{}){more}", one_line(&why, DETAIL)))
    }
}

impl GroupState {
    /// What was red in its newest attempt, or on its newest candidate; `None` where nothing was.
    pub fn red_words(&self, phase: CheckPhase) -> Option<String> {
        self.judged.get(&phase).and_then(Red::words)
    }

    /// How its newest attempt ended, and what was red in it.
    pub fn last_end(&self) -> Option<String> {
        let outcome = self.last_attempt()?.finished.as_ref()?.outcome;
        let red =
            self.red_words(CheckPhase::Attempt).filter(|_| outcome == AttemptOutcome::ChecksFailed);
        Some(match red {
            Some(red) => format!("{}: {red}", outcome.word()),
            None => outcome.word().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcome(word: &str, reason: &str, detail: &str) -> Json {
        Json::of(&json!({"outcome": word, "reason": reason, "detail": detail})).expect("JSON")
    }

    #[test]
    fn what_failed_is_named_before_what_did_not_run() {
        let mut red = Red::default();
        assert_eq!(red.words(), None);
        red.note("reads", &outcome("not_run", "missing_tool", ""));
        assert_eq!(red.words().as_deref(), Some("reads (not run: missing tool)"));
        red.note("adds", &outcome("failed", "expectation", "step 4: the address is /books"));
        red.note("lint", &outcome("failed", "exit_nonzero", "exit 1"));
        red.note("fine", &outcome("passed", "ok", ""));
        let words = red.words().expect("three are red");
        assert_eq!(words, "adds (step 4: the address is /books) and 2 more");
    }

    #[test]
    fn only_the_newest_run_of_a_check_counts() {
        let mut red = Red::default();
        red.note("adds", &outcome("failed", "expectation", "one"));
        red.note("adds", &outcome("failed", "expectation", "two"));
        assert_eq!(red.words().as_deref(), Some("adds (two)"));
        red.note("adds", &outcome("passed", "ok", ""));
        assert_eq!(red.words(), None);
    }
}
