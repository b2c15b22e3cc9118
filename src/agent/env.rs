//! What an agent's process may know: the base environment, the variables that the user named, and
//! who it works for.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde_json::Value;

use super::protocol::Request;
use crate::process::base_env;

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
