//! `session.json`: what a session was started with. Written once.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::config::Settings;
use crate::base::{Error, Result, SessionId, Sha256};
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

impl SessionRecord {
    pub const VERSION: u32 = 1;

    /// 65 for bytes that are no record of this version; `path` is for the message.
    pub fn read(bytes: &[u8], path: &Path) -> Result<Self> {
        refuse_newer(bytes, Self::VERSION, path)?;
        serde_json::from_slice(bytes).map_err(|e| {
            Error::input(format!("'{}' is damaged: {e}", path.display()))
                .hint("nothing was changed; restore the file from a backup")
        })
    }
}

/// Fails with 65 where a JSON file says a version that this program does not know. A file that is
/// no JSON says none.
pub fn refuse_newer(bytes: &[u8], known: u32, path: &Path) -> Result<()> {
    #[derive(Deserialize)]
    struct Says {
        v: u64,
    }
    match serde_json::from_slice(bytes) {
        Ok(Says { v }) if v > u64::from(known) => Err(Error::input(format!(
            "'{}' is of version {v}, and this Otto knows {known}",
            path.display()
        ))
        .hint("use a newer Otto")),
        _ => Ok(()),
    }
}

impl SessionRecord {
    /// Whether `otto run` began it, which ends with an event; steps by hand just stop.
    pub fn is_of_run(&self) -> bool {
        let program = |arg: &String| arg.rsplit('/').next().map(str::to_owned);
        self.argv.first().and_then(program).is_some_and(|name| name == "otto-run")
            || self.argv.get(1).is_some_and(|verb| verb == "run")
    }
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
