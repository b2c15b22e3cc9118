//! Resolved configuration: every key with its value and origin, and the typed view of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::contain;
use super::keys::{AGENT_KEYS, KEYS, PROVIDER_KEYS, ROLES};
use super::prices::Prices;
use crate::base::text::nearest;
use crate::base::{Error, Result};
use crate::process::Tier;
use crate::session::event::AuditMode;
use crate::spec::Prepare;

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    pub value: Value,
    pub origin: String,
}

/// Dotted key → value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(pub BTreeMap<String, Setting>);

/// What an agent is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Spec,
    Build,
    Fix,
    Certifier,
    Merge,
    Pilot,
    Task,
}

impl Role {
    pub const ALL: [Role; 7] =
        [Role::Spec, Role::Build, Role::Fix, Role::Certifier, Role::Merge, Role::Pilot, Role::Task];

    pub fn word(self) -> &'static str {
        match self {
            Role::Spec => "spec",
            Role::Build => "build",
            Role::Fix => "fix",
            Role::Certifier => "certifier",
            Role::Merge => "merge",
            Role::Pilot => "pilot",
            Role::Task => "task",
        }
    }
}

/// The agent of one role.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// `None`: the role is switched off, or nothing is configured.
    pub provider: Option<String>,
    pub model: Option<String>,
    pub effort: Option<String>,
    /// Whether it is asked what it is; `None`: only if it is one of ours.
    pub describe: Option<bool>,
    /// `providers.<name>` without what Otto itself reads there ([`PROVIDER_KEYS`]), handed to the
    /// provider as it is.
    pub settings: Value,
}

/// The typed view.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub default_branch: Option<String>,
    pub run_budget_seconds: u64,
    pub budget_usd: Option<f64>,
    pub group_budget_usd: Option<f64>,
    pub prices: Prices,
    /// Providers that take over, in this order.
    pub fallback: Vec<String>,
    pub patience_seconds: u64,
    pub max_turns_per_call: u32,
    pub attempts: u32,
    pub merge_attempts: u32,
    /// At least 1.
    pub jobs: usize,
    pub test_command: Option<Vec<String>>,
    pub prepare: Vec<Prepare>,
    pub protected_paths: Vec<String>,
    pub git_filters: Vec<String>,
    pub secrets: Vec<String>,
    pub min_sandbox: Option<Tier>,
    pub scenarios: Option<PathBuf>,
    pub worktree_dir: Option<PathBuf>,
    pub state_dir: Option<PathBuf>,
    pub audit_mode: AuditMode,
    pub review_gate: bool,
    pub pilot: bool,
    pub memory: bool,
    pub overrides: bool,
    settings: Settings,
}

impl Settings {
    /// Every key at its default.
    pub fn defaults() -> Self {
        let setting = |text: &str| Setting {
            value: serde_json::from_str(text).expect("because the defaults are JSON"),
            origin: "default".into(),
        };
        Self(KEYS.iter().map(|k| (k.name.to_owned(), setting(k.default))).collect())
    }

    /// Lays a parsed document over the values; every problem is reported at once.
    pub fn overlay(&mut self, document: &Value, origin: &str) -> Result<(), Vec<String>> {
        let mut problems = Vec::new();
        match document {
            Value::Null => {}
            Value::Object(map) => {
                for (key, value) in map {
                    self.overlay_key(key, value, origin, &mut problems);
                }
            }
            _ => problems.push("the document must be a mapping of keys to values".into()),
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn overlay_key(&mut self, key: &str, value: &Value, origin: &str, problems: &mut Vec<String>) {
        let nested = KEYS.iter().any(|k| k.name.starts_with(&format!("{key}.")));
        match value {
            _ if key == "agents" || key.starts_with("agents.") => {
                self.overlay_agents(key, value, origin, problems);
            }
            _ if key == "providers" => match value {
                Value::Object(map) => {
                    for (name, value) in map {
                        self.put_provider(&format!("providers.{name}"), value, origin, problems);
                    }
                }
                _ => problems.push("providers: must map a provider's name to its settings".into()),
            },
            _ if key.starts_with("providers.") => self.put_provider(key, value, origin, problems),
            Value::Object(map) if nested && key != "prices" => {
                for (sub, value) in map {
                    self.overlay_key(&format!("{key}.{sub}"), value, origin, problems);
                }
            }
            _ if KEYS.iter().any(|k| k.name == key) || contain::of_role(key, value).is_some() => {
                match check_type(key, value) {
                    Ok(()) => self.put(key, value, origin),
                    Err(why) => problems.push(format!("{key}: {why}")),
                }
            }
            _ => {
                let known = KEYS.iter().map(|k| k.name).chain(["agents", "providers"]);
                let hint = nearest(key, known)
                    .map(|n| format!(" (did you mean '{n}'?)"))
                    .unwrap_or_default();
                problems.push(format!("{key}: unknown key{hint}"));
            }
        }
    }

    fn overlay_agents(
        &mut self,
        key: &str,
        value: &Value,
        origin: &str,
        problems: &mut Vec<String>,
    ) {
        if let Value::Object(map) = value {
            for (sub, value) in map {
                self.overlay_agents(&format!("{key}.{sub}"), value, origin, problems);
            }
            return;
        }
        let parts: Vec<&str> = key.split('.').collect();
        let roles = || ROLES.iter().map(|r| r.0);
        match parts.as_slice() {
            ["agents", role, field]
                if roles().any(|r| r == *role) && AGENT_KEYS.contains(field) =>
            {
                if value.is_string() || value.is_null() {
                    self.put(key, value, origin);
                } else {
                    problems.push(format!("{key}: must be a text"));
                }
            }
            ["agents", role, ..] if roles().all(|r| r != *role) => {
                let hint = nearest(role, roles())
                    .map_or(String::new(), |n| format!(" (did you mean '{n}'?)"));
                problems.push(format!("{key}: unknown role{hint}"));
            }
            _ => problems.push(format!("{key}: must be provider, model or effort of a role")),
        }
    }

    /// `providers.command` sets all of a provider's settings, `providers.command.argv` one field.
    fn put_provider(&mut self, key: &str, value: &Value, origin: &str, problems: &mut Vec<String>) {
        let parts: Vec<&str> = key.splitn(3, '.').collect();
        let [_, name, field] = parts.as_slice() else {
            for own in PROVIDER_KEYS {
                check_provider(&format!("{key}.{own}"), value.get(own), problems);
            }
            return self.put(key, value, origin);
        };
        check_provider(key, Some(value), problems);
        let whole = format!("providers.{name}");
        let mut settings = self.0.get(&whole).map_or(Value::Null, |s| s.value.clone());
        if !settings.is_object() {
            settings = Value::Object(serde_json::Map::new());
        }
        settings[*field] = value.clone();
        self.put(&whole, &settings, origin);
    }

    fn put(&mut self, key: &str, value: &Value, origin: &str) {
        self.0.insert(key.to_owned(), Setting { value: value.clone(), origin: origin.to_owned() });
    }

    /// Sets one value, for flags. An absent flag changes nothing.
    pub fn set(&mut self, key: &str, value: Option<Value>, origin: &str) -> Result<()> {
        let Some(value) = value else { return Ok(()) };
        let mut problems = Vec::new();
        self.overlay_key(key, &value, origin, &mut problems);
        match problems.pop() {
            None => Ok(()),
            Some(problem) => Err(Error::usage(format!("{origin}: {problem}"))),
        }
    }

    fn get<T: DeserializeOwned>(&self, key: &str) -> Result<T> {
        let setting = self
            .0
            .get(key)
            .ok_or_else(|| Error::input(format!("the configuration has no '{key}'")))?;
        serde_json::from_value(setting.value.clone()).map_err(|e| {
            Error::input(format!("'{key}' from {} cannot be used", setting.origin)).because(e)
        })
    }

    /// The typed view. A session keeps the values that it was started with; a key that came later
    /// has its default.
    pub fn config(&self) -> Result<Config> {
        let mut whole = Settings::defaults();
        whole.0.extend(self.0.clone());
        let jobs: usize = whole.get("jobs")?;
        Ok(Config {
            default_branch: whole.get("default_branch")?,
            run_budget_seconds: whole.get("run_budget_seconds")?,
            budget_usd: whole.get("budget_usd")?,
            group_budget_usd: whole.get("group_budget_usd")?,
            prices: whole.get("prices")?,
            fallback: whole.get("fallback")?,
            patience_seconds: whole.get("patience_seconds")?,
            max_turns_per_call: whole.get("max_turns_per_call")?,
            attempts: whole.get::<u32>("attempts")?.max(1),
            merge_attempts: whole.get("merge_attempts")?,
            jobs: if jobs == 0 {
                std::thread::available_parallelism().map_or(1, usize::from)
            } else {
                jobs
            },
            test_command: whole.get("test_command")?,
            prepare: whole.get("prepare")?,
            protected_paths: whole.get("protected_paths")?,
            git_filters: whole.get("git.filters")?,
            secrets: whole.get("secrets")?,
            min_sandbox: whole.get("min_sandbox")?,
            scenarios: whole.get("scenarios")?,
            worktree_dir: whole.get("worktree_dir")?,
            state_dir: whole.get("state_dir")?,
            audit_mode: whole.get("audit_mode")?,
            review_gate: whole.get("review_gate")?,
            pilot: whole.get("pilot")?,
            memory: whole.get("memory")?,
            overrides: whole.get("overrides")?,
            settings: whole,
        })
    }
}

/// What Otto itself reads of a provider's settings has a type; the rest is the provider's.
fn check_provider(key: &str, value: Option<&Value>, problems: &mut Vec<String>) {
    let Some(value) = value.filter(|value| !value.is_null()) else { return };
    match key.splitn(3, '.').nth(2) {
        Some("model" | "effort") if !value.is_string() => {
            problems.push(format!("{key}: must be a text"));
        }
        Some("describe") if !value.is_boolean() => {
            problems.push(format!("{key}: must be true or false"));
        }
        _ => {}
    }
}

/// Types are those of the typed view; JSON kinds are enough to say it well.
fn check_type(key: &str, value: &Value) -> Result<(), String> {
    if let Some(said) = contain::of_role(key, value) {
        return said;
    }
    let probe = Settings(BTreeMap::from([(
        key.to_owned(),
        Setting { value: value.clone(), origin: String::new() },
    )]));
    let why = |e: Error| e.cause.map_or_else(|| e.what.clone(), |c| c.to_string());
    match key {
        "queue.concurrent" | "queue.task_timeout_s" => probe.get::<u64>(key).map(drop).map_err(why),
        "queue.on_watcher_restart" | "provider" | "model" | "effort" => {
            probe.get::<Option<String>>(key).map(drop).map_err(why)
        }
        _ => probe.config().map(drop).map_err(why),
    }
}

impl Config {
    /// `agents.<role>` over the top level. Models are named by their provider: for a role whose
    /// provider is not the one of the top level, `providers.<name>.model` comes before the model
    /// of the top level, and for any other after it.
    pub fn agent(&self, role: Role) -> Agent {
        let top = |key: &str| self.text(key);
        let own = |key: &str| self.text(&format!("agents.{}.{key}", role.word()));
        let all = top("provider");
        let provider = own("provider").or_else(|| all.clone()).filter(|p| p != "none");
        let Some(name) = provider else {
            let (model, effort) = (own("model"), own("effort"));
            let (model, effort) =
                (model.or_else(|| top("model")), effort.or_else(|| top("effort")));
            return Agent { provider: None, model, effort, describe: None, settings: Value::Null };
        };
        let there = self.agent_of(&name);
        let pick = |key: &str, there: Option<String>| {
            let (first, second) =
                if all.as_ref() == Some(&name) { (top(key), there) } else { (there, top(key)) };
            own(key).or(first).or(second)
        };
        Agent {
            model: pick("model", there.model.clone()),
            effort: pick("effort", there.effort.clone()),
            ..there
        }
    }

    /// The agent of a role at another provider than the configured one. Models are named otherwise
    /// there: `providers.<name>.model` says which.
    pub fn agent_at(&self, role: Role, provider: &str) -> Agent {
        let first = self.agent(role);
        if first.provider.as_deref() == Some(provider) {
            return first;
        }
        self.agent_of(provider)
    }

    /// A provider as `providers.<name>` has it, for no role in particular.
    pub fn agent_of(&self, provider: &str) -> Agent {
        let setting = self.settings.0.get(&format!("providers.{provider}"));
        let mut settings = setting.map_or(Value::Null, |s| s.value.clone());
        let mut own = BTreeMap::new();
        if let Some(map) = settings.as_object_mut() {
            own.extend(PROVIDER_KEYS.iter().filter_map(|key| map.remove_entry(*key)));
        }
        let text = |key: &str| own.get(key).and_then(Value::as_str).map(str::to_owned);
        Agent {
            provider: Some(provider.to_owned()),
            model: text("model"),
            effort: text("effort"),
            describe: own.get("describe").and_then(Value::as_bool),
            settings,
        }
    }

    fn text(&self, key: &str) -> Option<String> {
        self.settings.0.get(key).and_then(|s| s.value.as_str()).map(str::to_owned)
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_problem_is_named_with_the_nearest_key() {
        let mut settings = Settings::defaults();
        let problems = settings
            .overlay(
                &json!({"atempts": 2, "jobs": "many", "agents": {"bild": {"model": "x"}}, "git": {"filter": []}}),
                "otto.yaml",
            )
            .expect_err("four problems");
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(problems.iter().any(|p| p.contains("did you mean 'attempts'")));
        assert!(problems.iter().any(|p| p.contains("did you mean 'build'")));
    }

    #[test]
    fn a_role_overrides_the_top_level() {
        let mut settings = Settings::defaults();
        settings
            .overlay(
                &json!({"provider": "command", "model": "m",
                        "agents": {"certifier": {"provider": "none"}, "fix": {"model": "big"}},
                        "providers": {"command": {"argv": ["./agent.sh"]}}}),
                "otto.yaml",
            )
            .expect("valid");
        settings.set("providers.command.env", Some(json!(["KEY"])), "-c").expect("valid");
        let config = settings.config().expect("typed");
        assert_eq!(config.agent(Role::Certifier).provider, None);
        assert_eq!(config.agent(Role::Fix).model.as_deref(), Some("big"));
        assert_eq!(
            config.agent(Role::Build).settings,
            json!({"argv": ["./agent.sh"], "env": ["KEY"]})
        );
    }

    #[test]
    fn what_otto_reads_of_a_providers_settings_is_not_handed_on() {
        let of = |document: Value| {
            let mut settings = Settings::defaults();
            settings.overlay(&document, "otto.yaml").map(|()| settings.config().expect("typed"))
        };
        let theirs = json!({"program": "x", "nested": {"model": "theirs"}});
        let mut whole = theirs.clone();
        whole["model"] = "small".into();
        whole["effort"] = "low".into();
        whole["describe"] = true.into();
        let config = of(json!({"provider": "a", "model": "big", "effort": "high",
            "agents": {"certifier": {"provider": "b"}, "fix": {"provider": "b", "model": "own"},
                       "spec": {"provider": "c"}},
            "providers": {"a": whole.clone(), "b": whole}}))
        .expect("valid");
        let shown = |agent: Agent| (agent.provider.expect("one"), agent.model.expect("one"));
        for (agent, name, model) in [
            (config.agent(Role::Build), "a", "big"),
            (config.agent_at(Role::Build, "a"), "a", "big"),
            (config.agent_at(Role::Build, "b"), "b", "small"),
            (config.agent(Role::Certifier), "b", "small"),
            (config.agent(Role::Fix), "b", "own"),
            (config.agent(Role::Spec), "c", "big"),
        ] {
            if name != "c" {
                assert_eq!((&agent.settings, agent.describe), (&theirs, Some(true)), "{model}");
            }
            assert_eq!(shown(agent), (name.into(), model.into()));
        }
        let alone = of(json!({"provider": "b", "providers": {"b": {"model": "small"}}}));
        assert_eq!(shown(alone.expect("valid").agent(Role::Build)), ("b".into(), "small".into()));
        for (key, value) in [("model", json!(5)), ("effort", json!([])), ("describe", json!("no"))]
        {
            let problems = of(json!({"providers": {"b": {key: value.clone()}}})).expect_err(key);
            assert!(
                problems[0].starts_with(&format!("providers.b.{key}: must be")),
                "{problems:?}"
            );
            of(json!({format!("providers.b.{key}"): value})).expect_err(key);
        }
    }
}
