//! What an agent's process may know: the base environment, the variables that the user named, and
//! who it works for. Values of secrets are hidden wherever its words are written down.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use serde_json::Value;

use super::protocol::Request;
use crate::base::Result;
use crate::disk;
use crate::process::base_env;

/// Values to hide, with the names to show instead.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Vec<(String, String)>);

/// Shorter values would hide ordinary words.
const SHORTEST: usize = 6;

impl Secrets {
    /// The named variables, and every other one whose name looks secret.
    pub fn from_env(named: &[String]) -> Self {
        let looks_secret = |name: &str| {
            ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "PRIVATE_KEY"]
                .iter()
                .any(|w| name.to_uppercase().contains(w))
        };
        let mut found: Vec<(String, String)> = std::env::vars()
            .filter(|(name, value)| {
                value.len() >= SHORTEST && (named.contains(name) || looks_secret(name))
            })
            .map(|(name, value)| (value, name))
            .collect();
        // The longest first: one value may be a part of another.
        found.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        Self(found)
    }

    pub fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (value, name) in &self.0 {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), &format!("[{name} hidden]"));
            }
        }
        text
    }
}

impl Secrets {
    /// Hides them in a file that is there.
    pub fn hide_in(&self, path: &Path) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let Some(bytes) = disk::read_if_there(path)? else { return Ok(()) };
        let text = String::from_utf8_lossy(&bytes);
        let hidden = self.hide(&text);
        if hidden == text { Ok(()) } else { disk::replace(path, hidden.as_bytes()) }
    }
}

/// The environment of a provider program. `needed` are further variables of the person's
/// environment: what the provider says that it takes from there ([`super::describe`]).
pub fn of_provider(request: &Request, needed: &[impl AsRef<str>]) -> BTreeMap<OsString, OsString> {
    let mut env = base_env();
    let listed = request.settings.get("env").and_then(Value::as_array);
    let named = listed.into_iter().flatten().filter_map(Value::as_str);
    let secrets = request.secrets.iter().map(String::as_str);
    for name in named.chain(secrets).chain(needed.iter().map(AsRef::as_ref)) {
        if let Some(value) = std::env::var_os(name) {
            env.insert(name.into(), value);
        }
    }
    // Deadlines are counted on the clock of whoever asks; a fixed one must be the same here.
    for name in ["OTTO_CLOCK", crate::base::clock::SHIFT_VAR] {
        let Some(value) = std::env::var_os(name) else { continue };
        env.insert(name.into(), value);
    }
    env
}

/// What an agent program is told besides its prompt.
pub fn of_agent(request: &Request) -> BTreeMap<OsString, OsString> {
    let mut env = of_provider(request, &[""; 0]);
    let mut put = |name: &str, value: OsString| {
        env.insert(name.into(), value);
    };
    put("OTTO_ROLE", request.role.clone().into());
    put("OTTO_SESSION", request.session.clone().into());
    put("OTTO_GROUP", request.group.clone().unwrap_or_default().into());
    put("OTTO_ATTEMPT", request.attempt.to_string().into());
    put("OTTO_PROMPT_FILE", request.prompt_file.clone().into());
    if let Some(schema) = &request.schema_file {
        put("OTTO_SCHEMA_FILE", schema.clone().into());
    }
    put("OTTO_OUTPUT", request.output_file.clone().into());
    env
}
