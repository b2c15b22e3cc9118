//! `otto-provider-claude`: Claude Code, without a terminal. The prompt goes to its standard input
//! and its `stream-json` lines come back. See `docs/providers-claude.md`.

mod errors;
mod lines;
#[cfg(test)]
mod tests;

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::lines::ClaudeLines;
use super::agent_cli::{self, Ask, Start, Vendor, beside_package};
use super::describe;
use super::io::Failure;
use crate::agent::ErrorClass;
use crate::agent::describe::Abilities;
use crate::base::{Exit, Result};

/// Reads one request and plays it; fails only when nobody reads the events any more.
pub fn run(input: impl BufRead + Send + 'static, output: impl Write) -> Result<Exit> {
    agent_cli::run::<Claude>(input, output)
}

/// Reads the settings and says what is there.
pub fn describe(input: impl BufRead, output: impl Write) -> Result<Exit> {
    describe::answer(input, output, |settings| {
        let url = settings.get("base_url").and_then(Value::as_str).map(str::to_owned);
        let url =
            url.or_else(|| std::env::var("ANTHROPIC_BASE_URL").ok().filter(|u| !u.is_empty()));
        describe::of_program::<Claude>(settings, CAN, &HOSTS, url)
    })
}

const CAN: Abilities = Abilities {
    resume: true,
    fork: true,
    structured: true,
    usage: true,
    cost: true,
    sandbox: false,
    turn_cap: true,
    money_cap: true,
};

/// The model, and where a log-in is renewed.
const HOSTS: [&str; 3] =
    ["api.anthropic.com:443", "console.anthropic.com:443", "platform.claude.com:443"];

/// Nothing of its own beside the conversation: no updates, no reports, and its patience is ours.
const QUIET: [(&str, &str); 8] = [
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("DISABLE_BUG_COMMAND", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    // One, so that a server's `retry-after` is seen; a long wait is ended by us.
    ("CLAUDE_CODE_MAX_RETRIES", "1"),
    ("CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK", "1"),
    ("CLAUDE_CODE_DISABLE_TERMINAL_TITLE", "1"),
];

/// What it may use without asking where nothing contains it: everything that works in its folder.
const TOOLS: &str = "Bash,Edit,Write,Read,Glob,Grep,NotebookEdit,TodoWrite,Task,Agent";
const NET_TOOLS: &str = "WebFetch,WebSearch";

pub(super) struct Claude;

impl Vendor for Claude {
    const NAME: &'static str = "claude";
    const SETTINGS: &'static [&'static str] = &["program", "base_url", "env"];
    const ENV: &'static [&'static str] = &[
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
    ];
    const CONFIG_VAR: &'static str = "CLAUDE_CONFIG_DIR";
    const CONFIG_DIR: &'static str = ".claude";
    const LOGIN_FILE: &'static str = ".credentials.json";
    type Lines = ClaudeLines;

    fn native(found: &Path) -> Option<PathBuf> {
        beside_package(found, "claude-code-", |package| Some(package.join("claude")))
    }

    fn start(ask: &Ask<'_>) -> Result<Start, Failure> {
        let request = ask.request;
        let mut start = Start { stdin: ask.prompt.clone(), ..Start::default() };
        start.args(["-p", "--output-format", "stream-json", "--verbose"]);
        start.args(["--max-turns".to_owned(), request.max_turns.to_string()]);
        if let Some(model) = &request.model {
            start.args(["--model", model]);
        }
        if let Some(effort) = &request.effort {
            start.args(["--effort", effort]);
        }
        if let Some(usd) = request.budget_usd {
            start.args(["--max-budget-usd".to_owned(), usd.to_string()]);
        }
        if let Some(id) = &request.resume {
            start.args(["--resume", id]);
            if request.fork {
                start.args(["--fork-session"]);
            }
        }
        if let Some(schema) = &ask.schema {
            start.args(["--json-schema".to_owned(), plain_schema(schema).to_string()]);
        }
        if ask.is_contained() {
            start.args(["--permission-mode", "bypassPermissions"]);
            if nix::unistd::geteuid().is_root() {
                // It refuses to work without asking as root, unless it is told of the sandbox.
                start.env("IS_SANDBOX", "1");
            }
        } else {
            let tools =
                if ask.has_network() { format!("{TOOLS},{NET_TOOLS}") } else { TOOLS.into() };
            start.args(["--permission-mode", "acceptEdits", "--permission-prompts", "none"]);
            start.args(["--allowedTools".to_owned(), tools]);
        }
        for (name, value) in QUIET {
            start.env(name, value);
        }
        start.env("CLAUDE_CODE_TMPDIR", ask.tmp.clone());
        if let Some(url) = ask.setting("base_url")? {
            start.env("ANTHROPIC_BASE_URL", url);
        }
        Ok(start)
    }

    fn lines(ask: &Ask<'_>) -> ClaudeLines {
        ClaudeLines::new(&ask.request.workdir, ask.request.resume.clone(), ask.before)
    }

    fn classify(words: &str) -> Option<ErrorClass> {
        errors::of_words(words)
    }
}

/// It refuses a schema that names its dialect, and takes all that we write otherwise.
fn plain_schema(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(map) = schema.as_object_mut() {
        map.remove("$schema");
        map.remove("$id");
    }
    schema
}
