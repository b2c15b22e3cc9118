//! What turns of an agent used, as the provider reported it.

use serde::{Deserialize, Serialize};

/// Tokens and money. `null` means that the provider did not report it, which is not zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Tokens read, without those served from the provider's cache.
    pub input: Option<u64>,
    pub cached: Option<u64>,
    pub output: Option<u64>,
    pub reasoning: Option<u64>,
    /// US dollars, where every turn reported them.
    pub cost_usd: Option<f64>,
    /// US dollars of the turns that reported them, whatever the others did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_usd: Option<f64>,
    /// By the price table of the configuration, for turns that reported tokens and no money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_usd: Option<f64>,
    /// Turns whose money nobody knows, or not to its end: not reported, or killed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turns_without_money: u32,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Usage {
    /// What is known of the money.
    pub fn bill(&self) -> Bill {
        Bill {
            // An older packet has the sum only where it was whole.
            reported: self.reported_usd.or(self.cost_usd),
            estimated: self.estimated_usd,
            unknown: self.turns_without_money > 0,
        }
    }
}

/// The money of turns: what was reported, what was estimated, and whether there is more that nobody
/// knows. Adding up loses none of the three.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bill {
    pub reported: Option<f64>,
    pub estimated: Option<f64>,
    pub unknown: bool,
}

impl Bill {
    pub fn of<'a>(all: impl IntoIterator<Item = &'a Usage>) -> Self {
        all.into_iter().map(Usage::bill).fold(Self::default(), |sum, bill| Self {
            reported: sum_of_known([sum.reported, bill.reported]),
            estimated: sum_of_known([sum.estimated, bill.estimated]),
            // Where nothing is known of a part, that part is missing.
            unknown: sum.unknown || bill.unknown || bill.known().is_none(),
        })
    }

    /// Reported and estimated; `None` where neither is known.
    pub fn known(&self) -> Option<f64> {
        sum_of_known([self.reported, self.estimated])
    }
}

/// The sum of what is known; `None` where nothing is.
pub fn sum_of_known(all: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    all.into_iter().flatten().reduce(|a, b| a + b)
}
