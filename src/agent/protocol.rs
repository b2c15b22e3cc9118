//! The provider protocol, version 1: one request line on standard input, event lines on standard
//! output, exactly one `done`. See `docs/providers.md`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::session::event::Usage;

pub const VERSION: u32 = 1;

/// One turn, as asked of `otto-provider-<name>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub v: u32,
    pub role: String,
    pub session: String,
    #[serde(default)]
    pub group: Option<String>,
    /// Counted from 1 within the role and group.
    pub attempt: u32,
    pub prompt_file: PathBuf,
    pub workdir: PathBuf,
    /// The provider's own conversation to go on with.
    #[serde(default)]
    pub resume: Option<String>,
    /// Go on in a copy of that conversation, so that the first one stays as it is.
    #[serde(default)]
    pub fork: bool,
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub effort: Option<String>,
    pub max_turns: u32,
    /// RFC 3339; the parent kills at it.
    pub deadline: String,
    #[serde(default)]
    pub budget_usd: Option<f64>,
    /// JSON Schema of the answer, for roles that answer with data.
    #[serde(default)]
    pub schema_file: Option<PathBuf>,
    /// Where such an answer may be written.
    pub output_file: PathBuf,
    /// The agent's own configuration and conversations: one folder for a session, group and role,
    /// kept over attempts so that the agent can resume. Absent: nothing is kept.
    #[serde(default)]
    pub state_dir: Option<PathBuf>,
    pub sandbox: Sandbox,
    /// `providers.<name>` of otto.yaml, as it is.
    #[serde(default)]
    pub settings: Value,
    /// Names of variables that the agent may have besides the base environment.
    #[serde(default)]
    pub secrets: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// What already keeps the provider and its agent inside their folders.
    pub tier: String,
    /// `off`, `loopback`, `provider` or `on`.
    #[serde(default)]
    pub network: Option<String>,
}

/// A further line on the provider's standard input, at most one, for whoever drives a provider that
/// no signal reaches: end the turn now, report what is known of its cost, and say `done`. Otto
/// itself sends SIGINT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopLine {
    pub stop: String,
}

/// What a provider reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Started {
        #[serde(default)]
        provider_session: Option<String>,
        #[serde(default)]
        version: Option<String>,
        #[serde(default)]
        model: Option<String>,
    },
    Text {
        text: String,
    },
    Thinking {
        text: String,
    },
    ToolCall {
        name: String,
        #[serde(default)]
        input: Value,
    },
    ToolResult {
        #[serde(default)]
        name: String,
        #[serde(default)]
        output: String,
        #[serde(default)]
        is_error: bool,
    },
    FileChange {
        path: String,
        #[serde(default)]
        kind: String,
    },
    /// Tokens of this turn; what is not reported is absent.
    Usage {
        #[serde(default)]
        input: Option<u64>,
        #[serde(default)]
        cached_input: Option<u64>,
        #[serde(default)]
        output: Option<u64>,
        #[serde(default)]
        reasoning: Option<u64>,
    },
    Cost {
        usd: f64,
    },
    RateLimited {
        #[serde(default)]
        until: Option<String>,
    },
    Denied {
        tool: String,
    },
    Error {
        class: ErrorClass,
        message: String,
    },
    /// Anything that the adapter does not know, kept.
    Raw {
        #[serde(default)]
        data: Value,
    },
    Done {
        reason: String,
        #[serde(default)]
        structured: Option<Value>,
    },
}

/// Why a turn failed, as far as the provider can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    Auth,
    Quota,
    RateLimit,
    Overloaded,
    Network,
    ContextLength,
    Refused,
    BadRequest,
    MissingTool,
    Interrupted,
    Unknown,
}

impl ErrorClass {
    pub fn word(self) -> &'static str {
        match self {
            ErrorClass::Auth => "auth",
            ErrorClass::Quota => "quota",
            ErrorClass::RateLimit => "rate_limit",
            ErrorClass::Overloaded => "overloaded",
            ErrorClass::Network => "network",
            ErrorClass::ContextLength => "context_length",
            ErrorClass::Refused => "refused",
            ErrorClass::BadRequest => "bad_request",
            ErrorClass::MissingTool => "missing_tool",
            ErrorClass::Interrupted => "interrupted",
            ErrorClass::Unknown => "unknown",
        }
    }

    /// Whether the same turn can be expected to fail again however often it is tried, without a
    /// change by a person.
    pub fn is_lasting(self) -> bool {
        match self {
            ErrorClass::Auth | ErrorClass::BadRequest | ErrorClass::MissingTool => true,
            ErrorClass::Quota
            | ErrorClass::RateLimit
            | ErrorClass::Overloaded
            | ErrorClass::Network
            | ErrorClass::ContextLength
            | ErrorClass::Refused
            | ErrorClass::Interrupted
            | ErrorClass::Unknown => false,
        }
    }
}

impl Event {
    pub fn usage(&self) -> Option<Usage> {
        match self {
            Event::Usage { input, cached_input, output, reasoning } => Some(Usage {
                input: *input,
                cached_input: *cached_input,
                output: *output,
                reasoning: *reasoning,
                ..Usage::default()
            }),
            Event::Cost { usd } => Some(Usage { usd: Some(*usd), ..Usage::default() }),
            _ => None,
        }
    }
}

/// Parses one line; what is not an event is kept as it is.
pub fn parse_line(line: &[u8]) -> Event {
    let text = String::from_utf8_lossy(line);
    match serde_json::from_str::<Event>(&text) {
        Ok(event) => event,
        Err(_) => Event::Raw {
            data: serde_json::from_str(&text)
                .unwrap_or_else(|_| Value::String(text.trim_end().to_owned())),
        },
    }
}
