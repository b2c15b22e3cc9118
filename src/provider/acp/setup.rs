//! What a turn begins with: the settings, the prompt, the agent's command line.

use std::ffi::OsString;
use std::time::Duration;

use serde_json::Value;

use crate::agent::Request;
use crate::base::text::nearest;
use crate::disk;
use crate::provider::io::{Failure, needs_answer, setting_str, time_left};

/// Keys of `providers.acp`.
const SETTINGS: [&str; 6] = ["argv", "dir", "env", "auth_method", "hosts", "read"];
/// How long an agent may take for each step before the prompt.
const STEP: Duration = Duration::from_secs(60);
/// Left over at the deadline for the signals that end an agent that does not leave.
const RESERVE: Duration = Duration::from_millis(3000);

#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub argv: Vec<OsString>,
    pub prompt: String,
    pub auth_method: Option<String>,
    pub wants_answer: bool,
    pub limit: Duration,
    /// Of each step before the prompt; that of the turn may be shorter.
    pub step_limit: Duration,
}

impl Setup {
    pub fn of(request: &Request) -> Result<Self, Failure> {
        known(&request.settings)?;
        let left = time_left(request)?;
        let unusable = |e: crate::base::Error| Failure::bad_request(e.to_string());
        if !request.workdir.is_dir() {
            return Err(Failure::bad_request(format!(
                "the folder to work in, '{}', is not there",
                request.workdir.display()
            )));
        }
        let wants_answer = needs_answer(request)?;
        let bytes = disk::read(&request.prompt_file).map_err(unusable)?;
        let mut prompt = String::from_utf8_lossy(&bytes).into_owned();
        if let (true, Some(file)) = (wants_answer, &request.schema_file) {
            let text = disk::read(file).map_err(unusable)?;
            let schema: Value = serde_json::from_slice(&text).map_err(|e| {
                Failure::bad_request(format!("the schema '{}' is no JSON: {e}", file.display()))
            })?;
            prompt.push_str(&crate::provider::codex::schema_as_prompt(&schema));
        }
        Ok(Self {
            argv: crate::provider::command::resolve(request, "acp")?,
            prompt,
            auth_method: setting_str(request, "auth_method")?.map(str::to_owned),
            wants_answer,
            limit: left.saturating_sub((left / 10).min(RESERVE)),
            step_limit: STEP,
        })
    }
}

/// A key that nobody knows is a mistake and not a wish.
pub(super) fn known(settings: &Value) -> Result<(), Failure> {
    let mut keys = settings.as_object().into_iter().flat_map(|map| map.keys());
    match keys.find(|key| !SETTINGS.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let hint = nearest(key, SETTINGS).map_or_else(
                || format!("it has {}", SETTINGS.join(", ")),
                |meant| format!("did you mean `{meant}`?"),
            );
            Err(Failure::bad_request(format!("providers.acp has no `{key}`; {hint}")))
        }
    }
}
