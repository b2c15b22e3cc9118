//! The edge of the pilot: asked, answered, judged, told to builders, recorded.
//!
//! Order of a kill: `pilot.asked` is recorded, the agent answers, its answer is kept, the notes are
//! written, `pilot.decided` is recorded, and only that has an effect. Whoever comes after a kill
//! judges the answer that is there, or records that there is none: nobody is asked twice.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{schema, validate};
use super::boundary::{Boundary, due};
use super::digest::{Digest, digest};
use super::notes;
use crate::agent::{Inside, Prompts, Turn, TurnResult, require_provider, run_turn};
use crate::base::text::one_line;
use crate::base::{Error, Result};
use crate::disk;
use crate::process::stop;
use crate::session::config::{Agent, Config, Role};
use crate::session::event::{Decision, Dropped, PilotAsked, PilotDecided};
use crate::session::journal::Entry;
use crate::stage::spending::Spending;
use crate::stage::waiting::{free_agent, note_turn};
use crate::stage::{Context, Item};

/// Advice is not worth more of a run's time.
const LONGEST: Duration = Duration::from_secs(600);

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piloted {
    /// Switched off, or no agent has the role.
    Off,
    /// Nothing failed that could still be tried, or it was asked about.
    Nothing,
    Decided,
    /// There is no answer: everything goes on as if there were no pilot.
    None {
        why: String,
    },
}

/// Whether anybody is asked.
pub fn is_on(config: &Config) -> bool {
    config.pilot && config.agent(Role::Pilot).provider.is_some()
}

/// Asks the pilot where there is something to ask.
pub fn pilot(ctx: &Context<'_>) -> Result<Piloted> {
    if !is_on(ctx.config()) {
        return Ok(Piloted::Off);
    }
    let state = ctx.state()?;
    let Some(at) = due(&ctx.spec, &state) else { return Ok(Piloted::Nothing) };
    let dir = ctx.session.layout.pilot(at.number);
    let was_asked = state.pilot.iter().any(|c| c.boundary == at.name);
    let answer = if was_asked {
        kept(&dir)?.ok_or_else(|| "it was stopped before it answered".to_owned())
    } else {
        let shown = digest(ctx, &state, &at)?;
        ask(ctx, &at, &dir, &shown)?
    };
    let (accepted, dropped, error) = match answer {
        Ok(answer) => {
            let (accepted, dropped) = validate(&hidden(ctx, &answer), &ctx.spec, &at);
            (accepted, dropped, None)
        }
        Err(why) => (Decision::default(), Vec::new(), Some(why)),
    };
    notes::write(ctx, &accepted)?;
    record(ctx, &at, accepted, dropped, error.clone())?;
    Ok(error.map_or(Piloted::Decided, |why| Piloted::None { why }))
}

/// What an agent saw of secrets is not kept in a journal.
fn hidden(ctx: &Context<'_>, answer: &Value) -> Value {
    ctx.secrets().hide_json(answer)
}

fn record(
    ctx: &Context<'_>,
    at: &Boundary,
    accepted: Decision,
    dropped: Vec<Dropped>,
    error: Option<String>,
) -> Result<()> {
    ctx.report.item(&Item::Pilot {
        boundary: at.name.clone(),
        accepted: accepted.clone(),
        dropped: dropped.clone(),
        error: error.clone(),
    });
    let boundary = at.name.clone();
    ctx.append(Entry::new(PilotDecided { boundary, accepted, dropped, error }))
}

/// The answer, or why there is none. An `Err` outside is a stop.
fn ask(
    ctx: &Context<'_>,
    at: &Boundary,
    dir: &Path,
    shown: &Digest,
) -> Result<std::result::Result<Value, String>> {
    // Whatever is in the way of an answer is in the way of advice only.
    let agent = match ready(ctx) {
        Ok(agent) => agent,
        Err(e) => {
            asked(ctx, at, &Agent { provider: None, ..ctx.config().agent(Role::Pilot) })?;
            return Ok(Err(one_line(&e.to_string(), 300)));
        }
    };
    asked(ctx, at, &agent)?;
    ctx.report.say(&format!(
        "asking the pilot ({}) about {}",
        agent.provider.as_deref().unwrap_or_default(),
        at.failing.join(", ")
    ));
    let began = ctx.session.position().seq;
    let turn = turn(ctx, at, dir, shown, &agent);
    stop::check()?;
    let result = match turn {
        Ok(result) => result,
        Err(e) => return Ok(Err(one_line(&e.to_string(), 300))),
    };
    let provider = agent.provider.as_deref().unwrap_or_default();
    note_turn(ctx.ws, ctx.session, provider, began, &result)?;
    match (&result.error, &result.structured) {
        (Some((class, message)), _) => {
            Ok(Err(format!("{}: {}", class.word(), one_line(message, 160))))
        }
        (None, _) if result.was_cut() => Ok(Err(result.word())),
        (None, None) => Ok(Err("it gave no answer that could be read".into())),
        (None, Some(answer)) => {
            disk::replace_json(&dir.join("answer.json"), &hidden(ctx, answer))?;
            Ok(Ok(answer.clone()))
        }
    }
}

/// The agent that can be asked now.
fn ready(ctx: &Context<'_>) -> Result<Agent> {
    let agent = free_agent(ctx.ws, ctx.session, Role::Pilot)?;
    require_provider(Role::Pilot, &agent)?;
    ctx.check_budget()?;
    ctx.deadline.check(ctx.sid())?;
    Ok(agent)
}

fn asked(ctx: &Context<'_>, at: &Boundary, agent: &Agent) -> Result<()> {
    ctx.append(Entry::new(PilotAsked {
        boundary: at.name.clone(),
        after: at.after,
        number: at.number,
        provider: agent.provider.clone().unwrap_or_else(|| "none".into()),
    }))
}

fn turn(
    ctx: &Context<'_>,
    at: &Boundary,
    dir: &Path,
    shown: &Digest,
    agent: &Agent,
) -> Result<TurnResult> {
    let tip = ctx.session.with_state(|s| s.tip())?.unwrap_or(ctx.base());
    let worktree = ctx.pool.lease(tip, None)?;
    // Like a judge it looks, and changes nothing.
    worktree.without_git()?;
    show(ctx, &worktree.beside(), shown)?;
    let prompt = Prompts::new(&ctx.ws.repo, ctx.base()).render(
        "pilot",
        json!({
            "intent": ctx.spec.intent,
            "after": at.after.word(),
            "failing": at.failing,
            "open": at.open,
            "digest": shown.text,
            "folder": worktree.beside().display().to_string(),
        }),
    )?;
    let result = run_turn(&Turn {
        role: Role::Pilot,
        agent,
        session: ctx.sid(),
        group: None,
        attempt: answered(ctx)? + 1,
        inside: Inside::new(ctx.session, Role::Pilot, &worktree)?.to_look(),
        dir,
        prompt: &prompt,
        schema: Some(&schema()),
        // It reads what is on disk, and nothing else.
        resume: None,
        state_dir: Some(&ctx.agent_dir(agent, Role::Pilot, None)?),
        max_turns: ctx.config().max_turns_per_call,
        ledger: &Spending::new(ctx.ws, ctx.session, Role::Pilot, agent),
        secrets: &ctx.config().secrets,
        now: ctx.ws.clock.now(),
        limit: ctx.deadline.left_for_turn().min(LONGEST),
    });
    disk::remove_dir_all(&worktree.beside())?;
    worktree.release()?;
    result
}

/// Answers of pilots in this session: what a recording counts.
fn answered(ctx: &Context<'_>) -> Result<u32> {
    let all = ctx.session.layout.pilots();
    let names = disk::subdirs(&all)?;
    Ok(names.iter().filter(|n| all.join(n).join("answer.json").is_file()).count() as u32)
}

/// Puts the artefacts into `dir`, to be read and not written.
fn show(ctx: &Context<'_>, dir: &Path, shown: &Digest) -> Result<()> {
    disk::remove_dir_all(dir)?;
    disk::place_dir(dir)?;
    for (name, bytes) in &shown.files {
        let path = dir.join(name);
        disk::create_dir_all(path.parent().unwrap_or(dir))?;
        disk::place_file(&path, &ctx.secrets().hide_bytes(bytes), false)?;
    }
    disk::make_read_only(dir)
}

/// The answer that a kill left.
fn kept(dir: &Path) -> Result<Option<Value>> {
    let path = dir.join("answer.json");
    let Some(bytes) = disk::read_if_there(&path)? else { return Ok(None) };
    let answer = serde_json::from_slice(&bytes)
        .map_err(|e| Error::input(format!("'{}' is damaged", path.display())).because(e))?;
    Ok(Some(answer))
}
