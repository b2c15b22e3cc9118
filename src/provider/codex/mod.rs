//! `otto-provider-codex`: the Codex CLI, without a terminal. The prompt goes to its standard input
//! and the lines of `codex exec --json` come back. See `docs/providers-codex.md`.

mod errors;
mod lines;
mod schema;
#[cfg(test)]
mod tests;

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::lines::CodexLines;
pub(super) use self::schema::as_prompt as schema_as_prompt;
use super::agent_cli::{self, Ask, Start, Vendor, beside_package};
use super::describe;
use super::io::Failure;
use crate::agent::ErrorClass;
use crate::agent::describe::Abilities;
use crate::base::{Exit, Result};

/// Reads one request and plays it; fails only when nobody reads the events any more.
pub fn run(input: impl BufRead + Send + 'static, output: impl Write) -> Result<Exit> {
    agent_cli::run::<Codex>(input, output)
}

/// Reads the settings and says what is there.
pub fn describe(input: impl BufRead, output: impl Write) -> Result<Exit> {
    describe::answer(input, output, |settings| {
        let url = settings.get("base_url").and_then(Value::as_str).map(str::to_owned);
        describe::of_program::<Codex>(settings, CAN, &HOSTS, url)
    })
}

const CAN: Abilities = Abilities {
    resume: true,
    fork: true,
    structured: true,
    usage: true,
    cost: false,
    sandbox: true,
    turn_cap: false,
    money_cap: false,
};

/// The model with a key, the model with a log-in, and where that is renewed.
const HOSTS: [&str; 3] = ["api.openai.com:443", "chatgpt.com:443", "auth.openai.com:443"];

/// Nothing of its own beside the conversation, and no endless waits.
const QUIET: [&str; 4] = [
    "check_for_update_on_startup=false",
    "analytics.enabled=false",
    "features.plugins=false",
    "features.unbounded_connection_retries=false",
];

pub(super) struct Codex;

impl Vendor for Codex {
    const NAME: &'static str = "codex";
    const SETTINGS: &'static [&'static str] =
        &["program", "base_url", "env_key", "wire_api", "env"];
    const ENV: &'static [&'static str] = &["CODEX_API_KEY", "OPENAI_API_KEY"];
    const CONFIG_VAR: &'static str = "CODEX_HOME";
    const CONFIG_DIR: &'static str = ".codex";
    const LOGIN_FILE: &'static str = "auth.json";
    type Lines = CodexLines;

    /// `<package>-<system>/vendor/<target>/bin/codex`.
    fn native(found: &Path) -> Option<PathBuf> {
        beside_package(found, "codex-", |package| {
            let targets = std::fs::read_dir(package.join("vendor")).ok()?;
            let programs = targets.flatten().map(|target| target.path().join("bin/codex"));
            programs.filter(|program| program.is_file()).min()
        })
    }

    fn start(ask: &Ask<'_>) -> Result<Start, Failure> {
        let request = ask.request;
        let mut start = Start { stdin: ask.prompt.clone(), ..Start::default() };
        start.args(["exec"]);
        if let Some(id) = &request.resume {
            start.args([if request.fork { "fork" } else { "resume" }, id]);
        }
        // A folder without git is no reason to ask; the person's own configuration stays theirs.
        start.args(["--json", "--skip-git-repo-check", "--ignore-user-config"]);
        for setting in QUIET {
            start.args(["-c", setting]);
        }
        if let Some(model) = &request.model {
            start.args(["-m", model]);
        }
        if let Some(effort) = &request.effort {
            config(&mut start, "model_reasoning_effort", &quoted(effort));
        }
        if ask.is_contained() {
            start.args(["--dangerously-bypass-approvals-and-sandbox"]);
        } else {
            config(&mut start, "sandbox_mode", "\"workspace-write\"");
            let network = if ask.has_network() { "true" } else { "false" };
            config(&mut start, "sandbox_workspace_write.network_access", network);
        }
        if let Some(schema) = &ask.schema {
            match &request.schema_file {
                Some(file) if schema::is_strict(schema) => {
                    start.args(["--output-schema".into(), file.clone().into_os_string()]);
                }
                Some(_) | None => start.stdin.extend(schema::as_prompt(schema).into_bytes()),
            }
        }
        own_endpoint(ask, &mut start)?;
        // Last: the prompt comes on standard input.
        start.args(["-"]);
        Ok(start)
    }

    fn lines(ask: &Ask<'_>) -> CodexLines {
        CodexLines::new(ask)
    }

    fn classify(words: &str) -> Option<ErrorClass> {
        errors::of_words(words)
    }
}

/// `base_url` makes a provider of Codex's own out of any endpoint that speaks its protocol, with
/// as few retries as there can be. Without it the vendor's is used, whose retries cannot be set.
fn own_endpoint(ask: &Ask<'_>, start: &mut Start) -> Result<(), Failure> {
    let Some(url) = ask.setting("base_url")? else {
        for key in ["env_key", "wire_api"] {
            if ask.setting(key)?.is_some() {
                return Err(Failure::bad_request(format!("providers.codex.{key} needs base_url")));
            }
        }
        // It asks for the key under this name only.
        let key = std::env::var_os("OPENAI_API_KEY").filter(|key| !key.is_empty());
        if let (Some(key), None) = (key, std::env::var_os("CODEX_API_KEY")) {
            start.env("CODEX_API_KEY", key);
        }
        return Ok(());
    };
    let wire = quoted(ask.setting("wire_api")?.unwrap_or("responses"));
    let mut provider = format!(
        "{{name=\"Otto\",base_url={},wire_api={wire},request_max_retries=1,stream_max_retries=1",
        quoted(url)
    );
    if let Some(name) = ask.setting("env_key")? {
        provider.push_str(&format!(",env_key={}", quoted(name)));
        if let Some(value) = std::env::var_os(name) {
            start.env(name, value);
        }
    }
    provider.push('}');
    config(start, "model_provider", "\"otto\"");
    config(start, "model_providers.otto", &provider);
    Ok(())
}

fn config(start: &mut Start, key: &str, value: &str) {
    start.args(["-c".to_owned(), format!("{key}={value}")]);
}

/// A basic string of TOML, which JSON's is.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
