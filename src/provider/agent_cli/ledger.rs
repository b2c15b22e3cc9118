//! What a conversation had used when it was last heard of. Agents count from its beginning, over
//! resumes and forks; a turn costs the difference.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::agent::Request;
use crate::base::Result;
use crate::disk;
use crate::session::event::Usage;

/// What a conversation has used since it began.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::provider) struct Totals {
    pub conversation: String,
    pub usage: Usage,
}

/// A file for each conversation, in the agent's own folder.
#[derive(Debug)]
pub(super) struct Ledger(PathBuf);

impl Ledger {
    pub fn in_dir(config: &Path) -> Self {
        Self(config.join("otto-usage"))
    }

    /// `None`: nothing is known of it, and then nothing can be said of the turn that follows. A
    /// file that cannot be read is the same: it costs one figure.
    pub fn last(&self, conversation: &str) -> Option<Usage> {
        let bytes = disk::read_if_there(&self.file(conversation)).ok()??;
        serde_json::from_slice(&bytes).ok()
    }

    pub fn keep(&self, totals: &Totals) -> Result<()> {
        disk::replace_json(&self.file(&totals.conversation), &totals.usage)
    }

    fn file(&self, conversation: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        self.0.join(format!("{}.json", conversation.chars().map(plain).collect::<String>()))
    }
}

/// The ledger of an agent whose conversations only tell their cost.
#[derive(Debug)]
pub(in crate::provider) struct Conversations(Ledger);

impl Conversations {
    pub fn of(request: &Request) -> Self {
        Self(Ledger::in_dir(&super::place::Place::of(request).config))
    }

    pub fn last(&self, conversation: &str) -> Option<Usage> {
        self.0.last(conversation)
    }

    /// Without it the next turn of this conversation has no figure: no reason to fail this one.
    pub fn keep(&self, conversation: &str, usd: f64) {
        let usage = Usage { usd: Some(usd), ..Usage::default() };
        drop(self.0.keep(&Totals::of(conversation, usage)));
    }
}

impl Totals {
    pub fn of(conversation: &str, usage: Usage) -> Self {
        Self { conversation: conversation.to_owned(), usage }
    }

    /// What came since `before`. A count that went back was started anew.
    pub fn since(&self, before: &Usage) -> Usage {
        fn less(now: Option<u64>, before: Option<u64>) -> Option<u64> {
            now.map(|n| n.checked_sub(before.unwrap_or(0)).unwrap_or(n))
        }
        let now = &self.usage;
        let usd = now.usd.map(|usd| match before.usd {
            Some(before) if before <= usd => usd - before,
            Some(_) | None => usd,
        });
        Usage {
            input: less(now.input, before.input),
            cached_input: less(now.cached_input, before.cached_input),
            output: less(now.output, before.output),
            reasoning: less(now.reasoning, before.reasoning),
            usd,
            estimated_usd: None,
        }
    }
}

/// A number of an object, by the names on the way to it.
pub(in crate::provider) fn count(value: &Value, name: &str) -> Option<u64> {
    value.get(name).and_then(Value::as_u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, usd: f64) -> Usage {
        Usage { input: Some(input), usd: Some(usd), ..Usage::default() }
    }

    #[test]
    fn a_turn_costs_the_difference() {
        let dir = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::in_dir(dir.path());
        assert_eq!(ledger.last("a/../b"), None);
        let totals = Totals::of("a/../b", usage(3600, 3.0));
        ledger.keep(&totals).expect("kept");
        let before = ledger.last("a/../b").expect("known");
        let now = Totals::of("a/../b", usage(4800, 4.5));
        assert_eq!(now.since(&before), usage(1200, 1.5));
        // Started anew.
        assert_eq!(Totals::of("a", usage(10, 0.5)).since(&before), usage(10, 0.5));
    }
}
