//! `session.json`: what a session was started with. Written once.

use serde::{Deserialize, Serialize};

use super::config::Settings;
use crate::base::{SessionId, Sha256};
use crate::git::Oid;
use crate::process::Tier;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionRecord {
    pub v: u32,
    pub id: SessionId,
    pub created: String,
    pub project: String,
    pub intent_sha256: Sha256,
    /// Full name of the branch that the result may land on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The commit that everything starts from.
    pub base: Oid,
    /// Hash of `spec/given.json`, the file that the spec comes from; absent where an agent compiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_sha256: Option<Sha256>,
    /// Where `otto.yaml` was read from, and its hash; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_file: Option<ConfigFile>,
    /// Every value with where it came from.
    pub settings: Settings,
    pub tier: Tier,
    pub versions: Versions,
    pub argv: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    pub from: String,
    pub sha256: Sha256,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    pub otto: String,
    pub git: String,
    pub os: String,
}

impl Versions {
    pub fn here() -> Self {
        let git = crate::git::version().map_or_else(|_| "?".into(), |(a, b)| format!("{a}.{b}"));
        Self {
            otto: env!("CARGO_PKG_VERSION").to_owned(),
            git,
            os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}
