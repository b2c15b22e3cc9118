//! Specs: groups `g1`, `g2`, …, each with a folder of its own, a feature and a check that fails
//! until the group's work is there.

use otto::base::Sha256;
use serde_json::{Value, json};

/// Builds a `spec.json`.
pub struct Shape {
    value: Value,
}

impl Shape {
    /// `n` groups without dependencies.
    pub fn of(n: usize) -> Self {
        let ids: Vec<String> = (1..=n).map(|i| format!("g{i}")).collect();
        let features: Vec<Value> = ids
            .iter()
            .map(|g| {
                json!({"id": format!("f-{g}"), "name": format!("What {g} does"), "group": g,
                       "acceptance": [format!("the work of {g} is there")]})
            })
            .collect();
        let groups: Vec<Value> = ids
            .iter()
            .map(|g| {
                json!({"id": g, "title": format!("The part of {g}"), "features": [format!("f-{g}")],
                       "owned_paths": [format!("{g}/**")],
                       "checks": [{"id": format!("{g}-tests"), "kind": "repo_test",
                                   "features": [format!("f-{g}")],
                                   "argv": ["sh", "tests/check.sh", g]}]})
            })
            .collect();
        Self {
            value: json!({"v": 1, "intent": "parts", "intent_sha256": Sha256::of(b"parts").to_string(),
                          "project_kind": "cli",
                          "features": features, "groups": groups}),
        }
    }

    /// `group` needs `on`.
    pub fn needs(mut self, group: &str, on: &[&str]) -> Self {
        self.group(group)["deps"] = json!(on);
        self
    }

    /// Every group may write these paths.
    pub fn shared(mut self, globs: &[&str]) -> Self {
        self.value["shared_scaffold"] = json!(globs);
        self
    }

    /// The command of the group's check.
    pub fn check(mut self, group: &str, argv: &[&str]) -> Self {
        self.group(group)["checks"][0]["argv"] = json!(argv);
        self
    }

    pub fn check_key(mut self, group: &str, key: &str, value: Value) -> Self {
        self.group(group)["checks"][0][key] = value;
        self
    }

    /// Anything else.
    pub fn with(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.value);
        self
    }

    fn group(&mut self, id: &str) -> &mut Value {
        let groups = self.value["groups"].as_array_mut().expect("groups");
        groups.iter_mut().find(|g| g["id"] == id).expect("a group of that name")
    }

    pub fn text(&self) -> String {
        serde_json::to_string_pretty(&self.value).expect("JSON")
    }
}
