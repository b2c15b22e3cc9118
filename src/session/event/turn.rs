//! What is recorded of an agent's turns: what they used, and the conversations they were in.

use serde::{Deserialize, Serialize};

/// A conversation of an agent, as its provider names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    pub provider: String,
    pub id: String,
    pub rung: Rung,
}

/// How a turn came to its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// It went on with an earlier one.
    Resumed,
    /// It went on in a copy of an earlier one.
    Forked,
    /// It began with nothing but what it was told.
    Fresh,
}

impl Rung {
    pub fn word(self) -> &'static str {
        match self {
            Rung::Resumed => "resumed",
            Rung::Forked => "forked",
            Rung::Fresh => "fresh",
        }
    }
}

/// Tokens and money of one or more turns; `None` is "not reported".
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    pub input: Option<u64>,
    pub cached_input: Option<u64>,
    pub output: Option<u64>,
    pub reasoning: Option<u64>,
    pub usd: Option<f64>,
    /// By the price table, where the provider reported tokens and no money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_usd: Option<f64>,
}

impl Usage {
    /// Adds another turn's; a number that only one side reports is kept.
    pub fn add(&mut self, other: &Usage) {
        fn plus<T: std::ops::Add<Output = T>>(a: Option<T>, b: Option<T>) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(a + b),
                (a, b) => a.or(b),
            }
        }
        self.input = plus(self.input, other.input);
        self.cached_input = plus(self.cached_input, other.cached_input);
        self.output = plus(self.output, other.output);
        self.reasoning = plus(self.reasoning, other.reasoning);
        self.usd = plus(self.usd, other.usd);
        self.estimated_usd = plus(self.estimated_usd, other.estimated_usd);
    }

    /// Money for the budget: what was reported and what was estimated besides.
    pub fn money(&self) -> Option<f64> {
        match (self.usd, self.estimated_usd) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        }
    }
}
