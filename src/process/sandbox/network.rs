use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Tier;
use crate::base::{Error, Result};

/// What a sandbox reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Nothing outside of the sandbox.
    Off,
    /// Nothing outside of the sandbox, and a loopback inside that is its own.
    Loopback,
    /// The declared hosts and nothing else.
    Provider,
    /// Whatever the machine reaches.
    On,
}

impl Network {
    pub const ALL: [Network; 4] = [Network::Off, Network::Loopback, Network::Provider, Network::On];

    pub fn word(self) -> &'static str {
        match self {
            Network::Off => "off",
            Network::Loopback => "loopback",
            Network::Provider => "provider",
            Network::On => "on",
        }
    }

    /// Fails (78) where the tier cannot keep it: nothing is pretended.
    pub fn require(self, tier: Tier) -> Result<()> {
        let why = match (tier, self) {
            (Tier::Bwrap, _) | (_, Network::On) | (Tier::Landlock, Network::Off) => return Ok(()),
            (Tier::Worktree, _) => "nothing in the kernel would keep it",
            (Tier::Landlock, Network::Loopback) => {
                "it cannot tell a loopback of its own from the machine's"
            }
            (Tier::Landlock, Network::Provider) => "its rules know ports and no hosts",
        };
        Err(Error::machine(format!(
            "the network '{}' cannot be had at the sandbox tier '{}': {why}",
            self.word(),
            tier.word()
        ))
        .hint("the tier 'bwrap' has every network; the others say 'on' or, at landlock, 'off'"))
    }
}

/// YAML reads `on` and `off` as truth values.
impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a network is off, loopback, provider or on")]
        enum Said {
            Truth(bool),
            Word(String),
        }
        match Said::deserialize(from)? {
            Said::Truth(true) => Ok(Network::On),
            Said::Truth(false) => Ok(Network::Off),
            Said::Word(word) => word.parse().map_err(|e: Error| {
                let hint = e.hint.as_deref().unwrap_or_default();
                serde::de::Error::custom(format!("{e}; {hint}"))
            }),
        }
    }
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        Network::ALL.into_iter().find(|n| n.word() == s).ok_or_else(|| {
            Error::usage(format!("there is no network '{s}'"))
                .hint("the networks: off, loopback, provider, on")
        })
    }
}
