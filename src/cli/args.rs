//! Arguments that several programs share. The doc comments are their help.

use std::io::{BufReader, Stdin, Stdout};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::base::{Error, Exit, Result};
use crate::disk;
use crate::session::event::AuditMode;
use crate::spec::ProjectKind;
use crate::stage::compile::read_spec;

/// How a stage finds its session and writes its output.
#[derive(Debug, Clone, Default, Args)]
pub struct StageArgs {
    /// The session: an id, a unique prefix of one, or `latest`
    ///
    /// Without it, the first line of standard input names the session when that is a pipe or a
    /// file, else OTTO_SESSION does, else it is the latest one.
    #[arg(long, short = 's', value_name = "SESSION")]
    pub session: Option<String>,
    /// Read standard input although --session is given
    #[arg(long)]
    pub stdin: bool,
    /// Write JSON lines even to a terminal
    #[arg(long)]
    pub json: bool,
    /// No progress on standard error
    #[arg(long, short = 'q')]
    pub quiet: bool,
}

/// Which session a command is about.
#[derive(Debug, Clone, Default, Args)]
pub struct SessionArgs {
    /// The session: an id, a unique prefix of one, or `latest`
    #[arg(value_name = "SESSION", default_value = "latest", env = "OTTO_SESSION")]
    pub session: String,
}

/// What a provider is asked to do.
#[derive(Debug, Clone, Copy, Args)]
pub struct ProviderArgs {
    /// Say what is installed, whether it is logged in and what it needs, and do nothing
    ///
    /// Reads the settings as one line of JSON; without one they are empty.
    #[arg(long)]
    describe: bool,
}

impl ProviderArgs {
    /// Speaks the provider protocol on standard input and output.
    pub fn serve(
        self,
        describe: impl FnOnce(BufReader<Stdin>, Stdout) -> Result<Exit>,
        run: impl FnOnce(BufReader<Stdin>, Stdout) -> Result<Exit>,
    ) -> Result<Exit> {
        let (input, output) = (BufReader::new(std::io::stdin()), std::io::stdout());
        if self.describe { describe(input, output) } else { run(input, output) }
    }
}

/// Values over those of otto.yaml.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// The agent for all roles: command, replay, or the NAME of an otto-provider-NAME
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// The model, as the agent names it
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// How hard the agent thinks, as it names it
    #[arg(long, value_name = "EFFORT")]
    pub effort: Option<String>,
    /// The agents of single roles, over the ones above
    #[command(flatten)]
    pub roles: RoleArgs,
    /// How many groups are built at the same time
    #[arg(long, short = 'j', value_name = "N")]
    pub jobs: Option<u32>,
    /// Wall time for the whole run, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub budget_seconds: Option<u64>,
    /// Money for the whole run, in US dollars
    #[arg(long, value_name = "USD")]
    pub budget: Option<f64>,
    /// Who takes over while the provider has to wait; may be given several times, in that order
    #[arg(long, value_name = "NAME")]
    pub fallback: Vec<String>,
    /// An agent is stopped after this many turns (tool calls) in one call
    #[arg(long, value_name = "N")]
    pub max_turns: Option<u32>,
    /// Tries of one group before it is failed
    #[arg(long, value_name = "N")]
    pub attempts: Option<u32>,
    /// The branch that the result may land on
    #[arg(long, value_name = "BRANCH")]
    pub target: Option<String>,
    /// How deep audits look: checks and scenarios, a certifier besides, or an adversary too
    #[arg(long, value_name = "MODE", value_parser = AuditMode::WORDS)]
    pub audit_mode: Option<String>,
    /// Stop for your approval when the spec is ready
    #[arg(long)]
    pub review_gate: bool,
    /// Set any key of otto.yaml, as in -c 'providers.command.argv=["./agent.sh"]'
    #[arg(short = 'c', value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl ConfigArgs {
    /// Key, value and origin of everything that was given.
    pub fn flags(&self) -> Result<Vec<(String, Value, String)>> {
        let mut out = Vec::new();
        for setting in &self.set {
            let (key, text) = setting
                .split_once('=')
                .ok_or_else(|| Error::usage(format!("-c {setting}: it must be KEY=VALUE")))?;
            let value: Value = serde_saphyr::from_str(text).map_err(|e| {
                Error::usage(format!("-c {key}: '{text}' is not a YAML value"))
                    .because(e.to_string())
            })?;
            out.push((key.to_owned(), value, format!("-c {key}")));
        }
        let mut put = |key: &str, value: Option<Value>, flag: &str| {
            if let Some(value) = value {
                out.push((key.to_owned(), value, flag.to_owned()));
            }
        };
        put("provider", self.provider.as_ref().map(|v| json!(v)), "--provider");
        put("model", self.model.as_ref().map(|v| json!(v)), "--model");
        put("effort", self.effort.as_ref().map(|v| json!(v)), "--effort");
        put("jobs", self.jobs.map(|v| json!(v)), "--jobs");
        put("run_budget_seconds", self.budget_seconds.map(|v| json!(v)), "--budget-seconds");
        put("budget_usd", self.budget.map(|v| json!(v)), "--budget");
        put("fallback", (!self.fallback.is_empty()).then(|| json!(self.fallback)), "--fallback");
        put("max_turns_per_call", self.max_turns.map(|v| json!(v)), "--max-turns");
        put("attempts", self.attempts.map(|v| json!(v)), "--attempts");
        put("default_branch", self.target.as_ref().map(|v| json!(v)), "--target");
        put("audit_mode", self.audit_mode.as_ref().map(|v| json!(v)), "--audit-mode");
        put("review_gate", self.review_gate.then(|| json!(true)), "--review-gate");
        out.extend(self.roles.flags());
        Ok(out)
    }
}

macro_rules! role_args {
    ($($role:literal $what:literal: $provider:ident $model:ident $effort:ident;)*) => {
        /// `--<role>-provider` and so on: `agents.<role>.*` of the configuration.
        #[derive(Debug, Clone, Default, Args)]
        pub struct RoleArgs {
            $(
                #[arg(long, value_name = "NAME", help = concat!("The agent that ", $what))]
                pub $provider: Option<String>,
                #[arg(long, value_name = "MODEL", help = "Its model")]
                pub $model: Option<String>,
                #[arg(long, value_name = "EFFORT", help = "How hard it thinks")]
                pub $effort: Option<String>,
            )*
        }

        impl RoleArgs {
            fn flags(&self) -> Vec<(String, Value, String)> {
                let all = [$(
                    ($role, "provider", &self.$provider),
                    ($role, "model", &self.$model),
                    ($role, "effort", &self.$effort),
                )*];
                all.into_iter()
                    .filter_map(|(role, key, value)| {
                        let value = json!(value.as_ref()?);
                        Some((format!("agents.{role}.{key}"), value, format!("--{role}-{key}")))
                    })
                    .collect()
            }
        }
    };
}

role_args! {
    "spec" "compiles the intent": spec_provider spec_model spec_effort;
    "build" "builds groups": build_provider build_model build_effort;
    "fix" "repairs what an audit found": fix_provider fix_model fix_effort;
    "certifier" "judges the product": certifier_provider certifier_model certifier_effort;
}

/// What is wanted, and the spec for it where there is one already.
#[derive(Debug, Clone, Default, Args)]
pub struct IntentArgs {
    /// What you want; `-` reads it from standard input; without it intent.md is read
    #[arg(value_name = "INTENT")]
    pub intent: Option<String>,
    /// Read the intent from a file
    #[arg(long, value_name = "FILE")]
    pub intent_file: Option<PathBuf>,
    /// Take the spec from a file instead of an agent
    #[arg(long, value_name = "FILE")]
    pub from_spec: Option<PathBuf>,
    /// What kind of product it is; detected when absent
    #[arg(long, value_name = "KIND", value_parser = ["webapp", "cli", "library", "api", "service"])]
    pub project_kind: Option<String>,
}

/// [`IntentArgs`], read.
#[derive(Debug)]
pub struct Wanted {
    pub intent: String,
    /// The text of the spec file, valid.
    pub given: Option<String>,
}

impl IntentArgs {
    pub fn is_given(&self) -> bool {
        self.intent.is_some() || self.intent_file.is_some() || self.from_spec.is_some()
    }

    pub fn kind(&self) -> Option<ProjectKind> {
        // clap accepts the names of the kinds only.
        serde_json::from_value(self.project_kind.clone()?.into()).ok()
    }

    /// Reads files; a bad one is refused before anything is written.
    pub fn read(&self, root: &Path) -> Result<Wanted> {
        let asked = intent_from(self.intent.as_deref(), self.intent_file.as_ref(), root)?;
        let (given, own) = match &self.from_spec {
            Some(path) => {
                let text = disk::read_text(path)?;
                let intent = read_spec(&text, path, asked.as_deref())?.spec.intent;
                (Some(text), Some(intent))
            }
            None => (None, None),
        };
        let intent = asked.or(own).ok_or_else(|| {
            Error::usage("there is no intent").hint(
                "say what you want, in a sentence: \"add saved searches\"   (or write intent.md)",
            )
        })?;
        Ok(Wanted { intent, given })
    }
}

/// The intent: the argument, a file, `-` for standard input, else `intent.md` in the project.
fn intent_from(
    argument: Option<&str>,
    file: Option<&PathBuf>,
    root: &Path,
) -> Result<Option<String>> {
    let text = match (argument, file) {
        (Some(_), Some(_)) => {
            return Err(Error::usage("give the intent as an argument or as a file, not both"));
        }
        (Some("-"), None) => std::io::read_to_string(std::io::stdin())
            .map_err(|e| Error::input("cannot read the intent from standard input").because(e))?,
        (Some(text), None) => text.to_owned(),
        (None, Some(path)) => disk::read_text(path)?,
        (None, None) => match disk::read_if_there(&root.join("intent.md"))? {
            Some(bytes) => {
                String::from_utf8(bytes).map_err(|_| Error::input("intent.md is not UTF-8 text"))?
            }
            None => return Ok(None),
        },
    };
    let text = text.trim_end_matches(['\n', '\r']).to_owned();
    if text.trim().is_empty() {
        return Err(
            Error::usage("the intent is empty").hint("say what you want, in a sentence or a page")
        );
    }
    Ok(Some(text))
}
