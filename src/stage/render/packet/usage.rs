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
    /// US dollars.
    pub cost_usd: Option<f64>,
    /// By the price table of the configuration, for turns that reported tokens and no money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_usd: Option<f64>,
}
