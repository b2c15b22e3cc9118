//! The agent's turn of an attempt: which conversation it is in, and what it is told there.

use std::path::Path;

use super::attempt::Plan;
use super::ladder::{below, last_talk};
use super::packet;
use crate::agent::{Inside, Talk, Turn, TurnResult, run_turn};
use crate::base::Result;
use crate::disk;
use crate::git::Worktree;
use crate::session::config::Agent;
use crate::session::event::{Conversation, Rung};
use crate::session::packages::Packages;
use crate::spec::Group;
use crate::stage::Context;
use crate::stage::spending::Spending;

/// The agent's turn, in the conversation of the attempt before where there is one that can be gone
/// on with.
pub(super) fn work(
    ctx: &Context<'_>,
    group: &Group,
    plan: &Plan,
    agent: &Agent,
    (worktree, packages): (&Worktree, &Packages),
    prompt: &str,
) -> Result<(TurnResult, Option<Conversation>)> {
    let provider = agent.provider.as_deref().unwrap_or_default();
    let spec = ctx.spec_sha256();
    let before = ctx.session.with_state(|s| {
        s.group(&group.id).and_then(|g| last_talk(g, plan.role, provider, &spec))
    })?;
    let mut rung = if before.is_some() { Rung::Resumed } else { Rung::Fresh };
    let dir = ctx.session.layout.build_attempt(&group.id, plan.number);
    let ledger =
        Spending::new(ctx.ws, ctx.session, plan.role, agent).of_attempt(&group.id, plan.number);
    let state_dir = ctx.agent_dir(agent, plan.role, Some(&group.id))?;
    loop {
        let resume = match (&before, rung) {
            (Some(talk), Rung::Resumed) => Some(Talk { id: &talk.id, fork: false }),
            (Some(talk), Rung::Forked) => Some(Talk { id: &talk.id, fork: true }),
            (_, Rung::Fresh) | (None, _) => None,
        };
        let again = match resume {
            Some(_) => Some(packet::again(ctx, plan)?),
            None => None,
        };
        let result = run_turn(&Turn {
            role: plan.role,
            agent,
            session: ctx.sid(),
            group: Some(&group.id),
            attempt: plan.number_in_role,
            inside: Inside::new(ctx.session, plan.role, worktree)?.prepared(packages.clone()),
            dir: &dir,
            prompt: again.as_deref().unwrap_or(prompt),
            schema: None,
            resume,
            state_dir: Some(&state_dir),
            max_turns: ctx.config().max_turns_per_call,
            ledger: &ledger,
            secrets: &ctx.config().secrets,
            now: ctx.ws.clock.now(),
            limit: ctx.deadline.left_for_turn(),
        })?;
        let failed = result.error.as_ref().map(|(class, _)| *class).filter(|_| result.is_idle);
        if let Some(next) = failed.and_then(|class| below(rung, class)) {
            ctx.report.say(&format!(
                "{}: the conversation cannot be gone on with ({}); {}",
                group.id,
                result.word(),
                if next == Rung::Forked { "trying a copy of it" } else { "beginning a new one" }
            ));
            keep_rung(&dir, rung)?;
            rung = next;
            continue;
        }
        let talk = result.provider_session.clone().map(|id| Conversation {
            provider: provider.to_owned(),
            id,
            rung,
        });
        return Ok((result, talk));
    }
}

/// The transcript of a rung that broke, beside the one that takes its place.
fn keep_rung(dir: &Path, rung: Rung) -> Result<()> {
    for name in ["messages.jsonl", "narrative.log", "stderr.log"] {
        if let Some(bytes) = disk::read_if_there(&dir.join(name))? {
            disk::replace(&dir.join(format!("{}-{name}", rung.word())), &bytes)?;
        }
    }
    Ok(())
}
