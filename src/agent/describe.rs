//! What a provider says of itself and of its agent, without spending anything: `otto-provider-<name>
//! --describe`, with the provider's settings (one line of JSON) on standard input and one JSON
//! object on standard output. Somebody else's provider is asked only when its settings say
//! `describe: true`: one that does not know the flag would take the line for a request and work.
//! Of the others nothing is known, and nothing is needed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::base::{Error, Result};
use crate::process::{Command, Ended, base_env, is_own, own_command};
use crate::session::config::Agent;
use serde::{Deserialize, Serialize};

/// A description is a look, not a turn.
pub const LIMIT: Duration = Duration::from_secs(20);
const MAX_LINE: usize = 1 << 20;

/// The flag.
pub const FLAG: &str = "--describe";

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Description {
    pub v: u32,
    /// The agent's program, where it is a program of its own.
    #[serde(default)]
    pub program: Option<PathBuf>,
    #[serde(default)]
    pub version: Option<String>,
    /// Why it cannot be used, with what to do about it; absent when it can.
    #[serde(default)]
    pub missing: Option<String>,
    #[serde(default)]
    pub login: Login,
    #[serde(default)]
    pub can: Abilities,
    #[serde(default)]
    pub needs: Needs,
}

/// Whether the agent is logged in, as far as can be told without spending.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// `None`: it cannot be told.
    #[serde(default)]
    pub known: Option<bool>,
    /// How, or what to do: for people.
    #[serde(default)]
    pub how: String,
}

/// What the agent can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Abilities {
    /// Go on with an earlier conversation.
    pub resume: bool,
    /// Go on in a copy of one.
    pub fork: bool,
    /// Answers that follow a schema.
    pub structured: bool,
    /// Reports tokens.
    pub usage: bool,
    /// Reports money.
    pub cost: bool,
    /// A sandbox of its own.
    pub sandbox: bool,
    /// A cap on turns of its own.
    pub turn_cap: bool,
    /// A cap on money of its own.
    pub money_cap: bool,
}

/// What must be reachable inside a sandbox for the agent to work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Needs {
    /// Files and folders that are read: the agent's program and what lies beside it.
    pub read: Vec<PathBuf>,
    /// A person's log-in files: bound into the state folder, never copied, since a copy of a
    /// credential that rotates would log them out.
    pub login: Vec<LoginFile>,
    /// Names of variables that it takes from the person's environment (keys, endpoints).
    pub env: Vec<String>,
    /// `host:port` of the model's endpoints, for the network `provider`.
    pub hosts: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginFile {
    /// Where it is.
    pub file: PathBuf,
    /// Its place in the state folder, relative.
    pub to: PathBuf,
}

/// What a provider needs; asked once in the life of this program.
pub fn needs(agent: &Agent, workdir: &Path) -> Result<Needs> {
    static KNOWN: Mutex<BTreeMap<String, Needs>> = Mutex::new(BTreeMap::new());
    // One who asks while another does waits for that answer.
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let name = agent.provider.as_deref().unwrap_or_default();
    let key = format!("{name} {:?} {}", agent.describe, agent.settings);
    if let Some(needs) = known.get(&key) {
        return Ok(needs.clone());
    }
    let needs = match ask(agent, workdir, LIMIT)? {
        Answer::Says(description) => description.needs,
        Answer::Silent(_) => Needs::default(),
    };
    Ok(known.entry(key).or_insert(needs).clone())
}

/// What a provider answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Says(Box<Description>),
    /// It is installed and does not say; why, as far as it can be seen.
    Silent(String),
}

/// Asks a provider, and gives it so long to answer.
pub fn ask(agent: &Agent, workdir: &Path, limit: Duration) -> Result<Answer> {
    let name = agent.provider.as_deref().unwrap_or_default();
    let settings = &agent.settings;
    let program = format!("otto-provider-{name}");
    if !agent.describe.unwrap_or(is_own(&program)) {
        let why = format!("it is not asked; if it knows {FLAG}: providers.{name}.describe: true");
        return Ok(Answer::Silent(why));
    }
    let mut argv = own_command(&program);
    argv.push(FLAG.into());
    let mut env = base_env();
    // A look at the person's own set-up: what is there decides what is said of it.
    env.extend(std::env::vars_os());
    let (mut text, mut flood) = (Vec::new(), false);
    let finished = Command::new(argv, workdir, env)
        .stdin(format!("{settings}\n").into_bytes())
        .timeout(limit)
        .run_lines(Path::new("/dev/null"), MAX_LINE, &mut |line| {
            text.extend(line);
            flood = text.len() > MAX_LINE;
            // Whoever floods is ended here.
            if flood { Err(Error::no("too much")) } else { Ok(()) }
        });
    let silent = |why: String| Ok(Answer::Silent(why));
    let ended = match finished {
        Ok(finished) => finished.ended,
        Err(_) if flood => return silent("it says far too much".into()),
        Err(e) => return Err(e),
    };
    match ended {
        Ended::Exited(0) => {}
        Ended::Exited(code) => return silent(format!("it exits with {code}")),
        Ended::Signaled(signal) => return silent(format!("it was killed by signal {signal}")),
        Ended::TimedOut => return silent(format!("it did not answer in {} s", limit.as_secs())),
        Ended::Stopped => {
            crate::process::stop::check()?;
            return silent("it was stopped".into());
        }
        Ended::TooMuchOutput | Ended::OverLimit(_) | Ended::NotFound | Ended::NotExecutable => {
            return silent("it cannot be started".into());
        }
    }
    match serde_json::from_slice(&text) {
        Ok(description) => Ok(Answer::Says(Box::new(description))),
        Err(_) => silent("what it says is no description".into()),
    }
}
