//! `sandbox.*` of otto.yaml: which tier and which network each role, the checks and the preparation
//! have. Pure: what is configured in, what is to be kept out.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::keys::ROLES;
use super::settings::{Config, Role, Setting};
use crate::base::{Error, Result};
use crate::git::Worktree;
use crate::process::{Network, Sandbox, Tier};

/// What runs in a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Role(Role),
    Check,
    /// A step of preparation, with what it declares.
    Prepare(Network),
}

/// How something is contained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Containment {
    pub tier: Tier,
    pub network: Network,
    /// Further paths, by configuration.
    pub read: Vec<PathBuf>,
    pub write: Vec<PathBuf>,
    /// What is not even readable where `read` shows a folder around it.
    pub hide: Vec<PathBuf>,
}

impl Containment {
    /// The sandbox of who looks at a worktree, likewise.
    pub fn to_look(&self, worktree: &Worktree, scratch: &Path) -> Result<Sandbox> {
        Ok(worktree
            .sandbox_to_look(self.tier, self.network, scratch)?
            .read(self.read.iter().cloned())
            .write(self.write.iter().cloned())
            .hide(self.hide.iter().cloned()))
    }

    /// The sandbox of what works in a worktree, with a home and a temporary folder in `scratch`.
    pub fn in_worktree(&self, worktree: &Worktree, scratch: &Path) -> Result<Sandbox> {
        Ok(worktree
            .sandbox(self.tier, self.network, scratch)?
            .read(self.read.iter().cloned())
            .write(self.write.iter().cloned())
            .hide(self.hide.iter().cloned()))
    }
}

/// All that can run, at the tiers and networks that it would have.
const EVERYBODY: [Who; 10] = [
    Who::Role(Role::Spec),
    Who::Role(Role::Build),
    Who::Role(Role::Fix),
    Who::Role(Role::Certifier),
    Who::Role(Role::Merge),
    Who::Role(Role::Pilot),
    Who::Role(Role::Task),
    Who::Check,
    Who::Prepare(Network::On),
    Who::Prepare(Network::Off),
];

impl Who {
    pub fn word(self) -> &'static str {
        match self {
            Who::Role(role) => role.word(),
            Who::Check => "check",
            Who::Prepare(_) => "prepare",
        }
    }
}

impl Config {
    fn sandbox_setting(&self, key: &str) -> Option<&Setting> {
        self.settings().0.get(&format!("sandbox.{key}")).filter(|s| !s.value.is_null())
    }

    fn read_setting<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let Some(setting) = self.sandbox_setting(key) else { return Ok(None) };
        let value = serde_json::from_value(setting.value.clone());
        value.map(Some).map_err(|e| {
            Error::input(format!("'sandbox.{key}' from {} cannot be used", setting.origin))
                .because(e)
        })
    }

    /// What a new session asks for; `None` is the highest tier that works.
    pub fn wanted_tier(&self) -> Result<Option<Tier>> {
        match self.sandbox_setting("tier").map(|s| &s.value) {
            None => Ok(None),
            Some(Value::String(word)) if word == "auto" => Ok(None),
            Some(_) => self.read_setting("tier"),
        }
    }

    /// How it is contained in a session of this tier. What nobody configured is as narrow as the
    /// tier can keep it; what is configured and cannot be kept is an error (78).
    pub fn containment(&self, session: Tier, who: Who) -> Result<Containment> {
        let tier = self.read_setting(who.word())?.unwrap_or(session);
        let configured: Option<Network> = match who {
            Who::Role(_) | Who::Check => self.read_setting(&format!("network.{}", who.word()))?,
            Who::Prepare(_) => None,
        };
        let by_default = match (tier, who) {
            (Tier::Worktree, _) | (_, Who::Role(_)) => Network::On,
            (Tier::Landlock | Tier::Bwrap, Who::Check) => Network::Off,
            (Tier::Landlock | Tier::Bwrap, Who::Prepare(declared)) => declared,
        };
        if let Some(least) = self.min_sandbox.filter(|least| tier < *least) {
            return Err(Error::machine(format!(
                "'{}' would run at the sandbox tier '{}', and `min_sandbox` is '{}'",
                who.word(),
                tier.word(),
                least.word()
            ))
            .hint("otto sandbox --probe says which tiers work here; raise `sandbox.tier`, lower `min_sandbox`, or run elsewhere"));
        }
        let network = configured.unwrap_or(by_default);
        network.require(tier)?;
        Ok(Containment {
            tier,
            network,
            read: paths(self.read_setting("read")?.unwrap_or_default())?,
            write: paths(self.read_setting("write")?.unwrap_or_default())?,
            hide: Vec::new(),
        })
    }

    /// Everybody's, for the receipt; fails (78) where one of them cannot be had here.
    pub fn containments(&self, session: Tier) -> Result<Vec<(Who, Containment)>> {
        EVERYBODY.into_iter().map(|who| Ok((who, self.containment(session, who)?))).collect()
    }

    /// Fails (78) unless every tier that this session needs works on this machine: nothing is
    /// lowered. A look at each that is needed, and at no other.
    pub fn require_sandbox(&self, session: Tier) -> Result<()> {
        for (_, containment) in self.containments(session)? {
            crate::process::sandbox::require(containment.tier)?;
        }
        Ok(())
    }
}

/// Absolute paths, and such that begin with `~/`.
fn paths(listed: Vec<String>) -> Result<Vec<PathBuf>> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let absolute = |text: String| match (text.strip_prefix("~/"), &home) {
        (Some(below), Some(home)) => Ok(home.join(below)),
        _ if text.starts_with('/') => Ok(PathBuf::from(text)),
        _ => Err(Error::input(format!(
            "'{text}' in `sandbox.read` or `sandbox.write` is no absolute path"
        ))
        .hint("begin it with / or ~/")),
    };
    listed.into_iter().map(absolute).collect()
}

/// `sandbox.<role>` and `sandbox.network.<role>`: keys that are not listed one by one. `Some` is
/// what is wrong with the value, if anything.
pub(super) fn of_role(key: &str, value: &Value) -> Option<std::result::Result<(), String>> {
    fn is<T: serde::de::DeserializeOwned>(value: &Value) -> std::result::Result<(), String> {
        serde_json::from_value::<Option<T>>(value.clone()).map(drop).map_err(|e| e.to_string())
    }
    let rest = key.strip_prefix("sandbox.")?;
    let role = |name: &str| ROLES.iter().any(|(role, _)| *role == name);
    match (rest, rest.strip_prefix("network.")) {
        ("tier", _) if value == "auto" => Some(Ok(())),
        ("tier" | "check" | "prepare", _) => Some(is::<Tier>(value)),
        (name, None) if role(name) => Some(is::<Tier>(value)),
        (_, Some(name)) if role(name) || name == "check" => Some(is::<Network>(value)),
        ("read" | "write", _) => {
            let listed = serde_json::from_value::<Vec<String>>(value.clone());
            Some(
                listed
                    .map_err(|e| e.to_string())
                    .and_then(|l| paths(l).map(drop).map_err(|e| e.to_string())),
            )
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::config::Settings;
    use serde_json::json;

    fn config(sandbox: Value) -> Config {
        let mut settings = Settings::defaults();
        settings.overlay(&sandbox, "otto.yaml").expect("valid");
        settings.config().expect("typed")
    }

    fn of(config: &Config, session: Tier, who: Who) -> (Tier, Network) {
        let kept = config.containment(session, who).expect("possible");
        (kept.tier, kept.network)
    }

    #[test]
    fn agents_have_the_network_checks_have_none_and_preparation_has_what_it_declares() {
        let plain = config(json!({}));
        assert_eq!(plain.wanted_tier().expect("valid"), None);
        for tier in [Tier::Landlock, Tier::Bwrap] {
            assert_eq!(of(&plain, tier, Who::Role(Role::Build)), (tier, Network::On));
            assert_eq!(of(&plain, tier, Who::Check), (tier, Network::Off));
            assert_eq!(of(&plain, tier, Who::Prepare(Network::On)), (tier, Network::On));
            assert_eq!(of(&plain, tier, Who::Prepare(Network::Off)), (tier, Network::Off));
        }
        // Nothing is claimed that nobody keeps.
        assert_eq!(of(&plain, Tier::Worktree, Who::Check), (Tier::Worktree, Network::On));
    }

    #[test]
    fn what_is_configured_holds_or_is_an_error() {
        let cut = config(json!({"sandbox": {"network": {"build": false, "check": true}}}));
        assert_eq!(of(&cut, Tier::Bwrap, Who::Role(Role::Build)), (Tier::Bwrap, Network::Off));
        assert_eq!(of(&cut, Tier::Bwrap, Who::Check), (Tier::Bwrap, Network::On));
        let own = config(json!({"sandbox": {"tier": "landlock", "certifier": "bwrap",
            "check": "worktree", "network": {"build": "provider", "check": "on"}}}));
        assert_eq!(own.wanted_tier().expect("valid"), Some(Tier::Landlock));
        let certifier = of(&own, Tier::Landlock, Who::Role(Role::Certifier));
        assert_eq!(certifier, (Tier::Bwrap, Network::On));
        assert_eq!(of(&own, Tier::Landlock, Who::Check), (Tier::Worktree, Network::On));
        let build = own.containment(Tier::Landlock, Who::Role(Role::Build));
        assert!(
            build.expect_err("no hosts there").to_string().contains("'provider' cannot be had")
        );
        let high = config(json!({"min_sandbox": "landlock", "sandbox": {"check": "worktree"}}));
        let low = high.containment(Tier::Bwrap, Who::Check).expect_err("below the least");
        assert_eq!(low.exit(), crate::base::Exit::MACHINE);
    }

    #[test]
    fn a_wrong_word_is_named() {
        for (wrong, key) in [
            (json!({"sandbox": {"tier": "docker"}}), "sandbox.tier"),
            (json!({"sandbox": {"build": "none"}}), "sandbox.build"),
            (json!({"sandbox": {"bild": "bwrap"}}), "sandbox.bild"),
            (json!({"sandbox": {"network": {"check": "maybe"}}}), "sandbox.network.check"),
            (json!({"sandbox": {"read": ["docs"]}}), "sandbox.read"),
            (json!({"min_sandbox": "docker"}), "min_sandbox"),
        ] {
            let problems = Settings::defaults().overlay(&wrong, "otto.yaml").expect_err(key);
            assert!(problems[0].starts_with(&format!("{key}: ")), "{problems:?}");
        }
    }
}
