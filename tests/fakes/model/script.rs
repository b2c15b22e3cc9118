//! Scripts: what the model says, step by step.
//!
//! A script is a JSON list of steps. It is found in one of two ways:
//!
//! - in the prompt itself: `SCRIPT64=<base64 of the list>END` ([`embed`]);
//! - by rules, for prompts that somebody else writes: `{"rules": [{"when": ["regex", …], "unless":
//!   […], "steps": […]}]}`. Named groups of `when` are put in for `${name}` in the steps.
//!
//! The newest user message with a script decides; its step is the number of the model's turns after
//! it. So nothing is kept between requests, and conversations may be resumed, forked and run beside
//! each other. Only failures that happen a limited number of `times` are counted.

use std::collections::HashMap;
use std::path::PathBuf;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::base64;

/// One answer of the model. Without text, calls and an answer it says nothing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    pub text: Option<String>,
    /// Tools that it calls, all in one turn.
    pub calls: Vec<Call>,
    /// Data: the tool of the schema where the vendor has one, else the text of it.
    pub answer: Option<Value>,
    /// Instead of the answer; the first that is not used up.
    pub fail: Vec<Failure>,
    pub usage: Tokens,
    /// A file that is made when the request has come.
    pub mark: Option<PathBuf>,
    /// It is answered when this file is there, and never when the client has gone.
    pub until: Option<PathBuf>,
    /// The body is sent in so many pieces.
    pub pieces: usize,
    /// So many letters more of text.
    pub pad: usize,
}

/// A tool, by a name that no vendor uses. Paths are relative to the agent's working folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Call {
    Write {
        path: String,
        content: String,
    },
    /// Whole lines.
    Edit {
        path: String,
        old: String,
        new: String,
    },
    Sh {
        command: String,
    },
    /// A tool by the vendor's own name.
    Tool {
        name: String,
        input: Value,
    },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    pub how: How,
    /// Always, where it is absent.
    pub times: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum How {
    Status {
        code: u16,
        /// The vendor's word for it; one that goes with the code where it is absent.
        kind: Option<String>,
        message: Option<String>,
        /// Seconds.
        retry_after: Option<u32>,
    },
    /// An error inside the stream, after it began well.
    Event { kind: String, message: String },
    /// The stream ends in the middle.
    Cut,
    /// The connection is closed without a word.
    Close,
}

/// What the answer is said to have cost.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// Not from a cache.
    pub fresh: u64,
    pub cached: u64,
    pub output: u64,
    /// A part of `output`.
    pub reasoning: u64,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { fresh: 100, cached: 0, output: 10, reasoning: 0 }
    }
}

/// Where scripts come from.
#[derive(Debug, Default)]
pub struct Source {
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rules: Vec<RuleText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    when: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    steps: Value,
}

#[derive(Debug)]
struct Rule {
    when: Vec<Regex>,
    unless: Vec<Regex>,
    steps: Value,
}

/// The steps for a message, and which they are.
pub struct Found {
    pub steps: Vec<Step>,
    /// `prompt`, or `rule N`.
    pub from: String,
}

impl Source {
    /// Only what the prompts themselves hold.
    pub fn prompts() -> Self {
        Self::default()
    }

    /// Rules besides; all their mistakes are found here.
    pub fn rules(file: &Value) -> Result<Self, String> {
        let file: File = serde_json::from_value(file.clone()).map_err(|e| e.to_string())?;
        let regexes = |texts: &[String]| -> Result<Vec<Regex>, String> {
            texts.iter().map(|t| Regex::new(t).map_err(|e| e.to_string())).collect()
        };
        let mut rules = Vec::new();
        for (n, rule) in file.rules.into_iter().enumerate() {
            parse(&rule.steps).map_err(|e| format!("rule {n}: {e}"))?;
            let (when, unless) = (regexes(&rule.when)?, regexes(&rule.unless)?);
            rules.push(Rule { when, unless, steps: rule.steps });
        }
        Ok(Self { rules })
    }

    /// The script of one user message: `None` where it has none.
    pub fn find(&self, message: &str) -> Result<Option<Found>, String> {
        if let Some(steps) = embedded(message)? {
            return Ok(Some(Found { steps: parse(&steps)?, from: "prompt".to_owned() }));
        }
        for (n, rule) in self.rules.iter().enumerate() {
            let Some(names) = rule.names(message) else { continue };
            let steps = parse(&put_in(&rule.steps, &names))?;
            return Ok(Some(Found { steps, from: format!("rule {n}") }));
        }
        Ok(None)
    }
}

impl Rule {
    /// What its named groups caught, where it is for this message.
    fn names(&self, message: &str) -> Option<HashMap<String, String>> {
        if self.unless.iter().any(|r| r.is_match(message)) {
            return None;
        }
        let mut names = HashMap::new();
        for regex in &self.when {
            let caught = regex.captures(message)?;
            for name in regex.capture_names().flatten() {
                let text = caught.name(name).map_or("", |m| m.as_str());
                names.insert(format!("${{{name}}}"), text.to_owned());
            }
        }
        Some(names)
    }
}

/// The script as a part of a prompt.
pub fn embed(steps: &Value) -> String {
    format!("SCRIPT64={}END", base64::encode(steps.to_string().as_bytes()))
}

fn embedded(message: &str) -> Result<Option<Value>, String> {
    let Some((_, rest)) = message.rsplit_once("SCRIPT64=") else { return Ok(None) };
    let (text, _) = rest.split_once("END").ok_or("a script without END")?;
    let bytes = base64::decode(text).ok_or("a script that is not base64")?;
    serde_json::from_slice(&bytes).map(Some).map_err(|e| format!("a script that is not JSON: {e}"))
}

fn parse(steps: &Value) -> Result<Vec<Step>, String> {
    Vec::<Step>::deserialize(steps).map_err(|e| format!("a script that cannot be read: {e}"))
}

fn put_in(value: &Value, names: &HashMap<String, String>) -> Value {
    match value {
        Value::String(text) => {
            let mut text = text.clone();
            for (name, caught) in names {
                text = text.replace(name, caught);
            }
            Value::String(text)
        }
        Value::Array(items) => items.iter().map(|v| put_in(v, names)).collect(),
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), put_in(v, names))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
