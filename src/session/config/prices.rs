//! What tokens cost, as the user wrote it down: for providers that report tokens and no money.
//! An estimate, always marked as one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::session::event::Usage;

/// By model; `*` at the end of a name stands for any rest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prices(pub BTreeMap<String, Price>);

/// US dollars for a million tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The day on which it was looked up, as in 2026-11-20.
    pub as_of: String,
    pub input: f64,
    /// As `input` where it is absent.
    #[serde(default)]
    pub cached_input: Option<f64>,
    /// Reasoning is output, as every vendor bills it.
    pub output: f64,
}

impl Prices {
    /// The most particular entry for the model.
    pub fn of(&self, model: &str) -> Option<&Price> {
        let fits = |name: &str| match name.strip_suffix('*') {
            Some(start) => model.starts_with(start),
            None => model == name,
        };
        let fitting = self.0.iter().filter(|(name, _)| fits(name));
        fitting.max_by_key(|(name, _)| name.len()).map(|(_, price)| price)
    }
}

impl Price {
    /// `None` where the usage does not say enough. `input` is without what came from the cache.
    pub fn estimate(&self, usage: &Usage) -> Option<f64> {
        let cached = usage.cached_input.unwrap_or(0) as f64;
        let (input, output) = (usage.input? as f64, usage.output? as f64);
        let per_token = |tokens: f64, price: f64| tokens * price / 1e6;
        Some(
            per_token(input, self.input)
                + per_token(cached, self.cached_input.unwrap_or(self.input))
                + per_token(output, self.output),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_particular_price_counts_and_unknown_is_not_zero() {
        let prices: Prices = serde_json::from_str(
            r#"{"gpt-*": {"as_of": "2026-11-20", "input": 1, "output": 8},
                "gpt-5*": {"as_of": "2026-11-20", "input": 2, "cached_input": 0.5, "output": 10}}"#,
        )
        .expect("prices");
        let usage = Usage {
            input: Some(1_000_000),
            cached_input: Some(2_000_000),
            output: Some(500_000),
            ..Usage::default()
        };
        let of = |model: &str| prices.of(model).and_then(|p| p.estimate(&usage));
        assert_eq!(of("gpt-5.5"), Some(2.0 + 1.0 + 5.0));
        assert_eq!(of("gpt-4"), Some(1.0 + 2.0 + 4.0));
        assert_eq!(of("other"), None);
        let unknown = Usage { output: None, ..usage };
        assert_eq!(prices.of("gpt-5").expect("a price").estimate(&unknown), None);
    }
}
