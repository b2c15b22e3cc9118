//! Creating a session: what it starts from and with which configuration, fixed once.

use serde_json::Value;

use crate::agent::require_provider;
use crate::base::{Error, Result, Secrets, SessionId, Sha256};
use crate::git::Oid;
use crate::session::config::{Role, Settings, committed_or_checkout, refuse_secrets};
use crate::session::record::{ConfigFile, Versions};
use crate::session::{Session, SessionRecord, Workspace};

/// What a person asked for.
#[derive(Debug, Clone, Default)]
pub struct Start {
    pub intent: String,
    /// The text of a spec file, validated; without it the compiling agent has to be there.
    pub given: Option<String>,
    /// Flags over the configuration file: key, value, and what to call their origin.
    pub flags: Vec<(String, Value, String)>,
    pub argv: Vec<String>,
}

/// Creates the session. Everything that can be refused is refused before anything is written.
pub fn create(ws: &Workspace, start: &Start) -> Result<(Session, Vec<String>)> {
    if start.intent.trim().is_empty() {
        return Err(Error::usage("the intent is empty")
            .hint("say what you want: otto compile \"add saved searches\"   (or --intent-file, or intent.md)"));
    }
    crate::git::require_git()?;
    let mut notes = Vec::new();
    let (settings, config_file) = configuration(ws, &start.flags, &mut notes)?;
    refuse_secrets(&settings)?;
    let config = settings.config()?;
    if start.given.is_none() {
        require_provider(Role::Spec, &config.agent(Role::Spec))?;
    }
    let tier = config.wanted_tier()?.unwrap_or_else(crate::process::sandbox::best);
    config.require_sandbox(tier)?;
    let (target, base) = target_and_base(ws, config.default_branch.as_deref())?;
    // Fails early when the worktrees would lie where they must not.
    ws.prepare_logs()?;
    ws.pool(&config)?;
    let secrets = Secrets::from_env(&config.secrets);
    let record = SessionRecord {
        v: 1,
        id: SessionId::generate(&ws.clock),
        created: ws.clock.now().to_string(),
        project: ws.repo.project.name(),
        intent_sha256: Sha256::of(start.intent.as_bytes()),
        target: Some(target),
        base,
        given_sha256: start.given.as_ref().map(|text| Sha256::of(text.as_bytes())),
        config_file,
        settings,
        tier,
        versions: Versions::here(),
        // For people to read: nothing is started from it.
        argv: start.argv.iter().map(|arg| secrets.hide(arg)).collect(),
    };
    Ok((Session::create(ws, record, &start.intent, start.given.as_deref())?, notes))
}

/// Defaults, then `otto.yaml`, then flags.
pub fn configuration(
    ws: &Workspace,
    flags: &[(String, Value, String)],
    notes: &mut Vec<String>,
) -> Result<(Settings, Option<ConfigFile>)> {
    let mut settings = Settings::defaults();
    let head = ws.repo.resolve_commit("HEAD").ok();
    let found = committed_or_checkout(&ws.repo, head)?;
    let mut file = None;
    if let Some(text) = found {
        if text.checkout_differs {
            notes.push(
                "otto.yaml in your checkout differs from the committed one, which is used; commit it to use it".into(),
            );
        }
        text.overlay(&mut settings)?;
        file = Some(ConfigFile { from: text.origin(), sha256: text.sha256() });
    }
    for (key, value, origin) in flags {
        settings.set(key, Some(value.clone()), origin)?;
    }
    if settings.0.get("provider").is_none_or(|p| p.value.is_null()) && has_command(&settings) {
        settings.set(
            "provider",
            Some(Value::from("command")),
            "detected: providers.command.argv",
        )?;
    }
    Ok((settings, file))
}

fn has_command(settings: &Settings) -> bool {
    settings.0.get("providers.command").is_some_and(|s| s.value.get("argv").is_some())
}

/// The branch that the result may land on, and the commit that everything starts from.
fn target_and_base(ws: &Workspace, configured: Option<&str>) -> Result<(String, Oid)> {
    let repo = &ws.repo;
    let target = match configured {
        Some(name) if name.starts_with("refs/") => name.to_owned(),
        Some(name) => format!("refs/heads/{name}"),
        None => repo.head_branch()?.ok_or_else(|| {
            Error::machine("HEAD is detached, so there is no branch to work for")
                .hint("git switch <branch>, or name it: --target <branch>, or `default_branch:` in otto.yaml")
        })?,
    };
    match repo.read_ref(&target)? {
        Some(base) => Ok((target, base)),
        None if configured.is_some() => {
            Err(Error::machine(format!("the target branch '{target}' does not exist"))
                .hint("git branch lists the branches; correct --target or `default_branch:`"))
        }
        None => Err(Error::machine("this repository has no commit yet")
            .hint("make a first one: git commit --allow-empty -m start")),
    }
}
