//! A person may commit to a build branch, with or without any agent: a head that no attempt
//! recorded becomes a manual attempt, under the same ownership and the same checks.

use super::base::base_of;
use super::brief::brief;
use super::judge::judge;
use crate::base::Result;
use crate::git::Oid;
use crate::session::event::{
    AttemptFinished, AttemptOutcome, AttemptStarted, GroupFailed, GroupPassing,
};
use crate::session::journal::Entry;
use crate::session::state::State;
use crate::spec::Group;
use crate::stage::Context;

/// Judges every build head that the journal does not know. Returns the groups that it concerned.
pub fn take_in_manual_work(ctx: &Context<'_>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for group in &ctx.spec.groups {
        let state = ctx.state()?;
        let Some(head) = ctx.ws.repo.read_ref(&ctx.build_ref(&group.id))? else { continue };
        if is_known(&state, &group.id, head)
            || ctx.ws.repo.is_ancestor(head, state.tip().unwrap_or(ctx.base()))?
        {
            continue;
        }
        judge_manual(ctx, group, &state, head)?;
        found.push(group.id.clone());
    }
    Ok(found)
}

fn is_known(state: &State, gid: &str, head: Oid) -> bool {
    state.group(gid).is_some_and(|g| {
        g.open_attempt().is_some()
            || g.phase.is_terminal()
            || g.attempts.iter().any(|a| {
                a.start == head || a.finished.as_ref().is_some_and(|f| f.commit == Some(head))
            })
    })
}

fn judge_manual(ctx: &Context<'_>, group: &Group, state: &State, head: Oid) -> Result<()> {
    let repo = &ctx.ws.repo;
    let number = state.group(&group.id).map_or(1, |g| g.next_attempt());
    // What the person started from: the newest point that the product and the branch share.
    let ours = base_of(ctx, group, state)?;
    let base = repo.merge_base(ours.commit, head)?.unwrap_or(ours.commit);
    ctx.report.say(&format!(
        "{}: a commit by hand ({}), judged like any other",
        group.id,
        head.short()
    ));
    ctx.append(Entry::attempt(
        &group.id,
        number,
        AttemptStarted {
            role: "manual".into(),
            base,
            dep_heads: ours.dep_heads,
            start: base,
            provider: "a person".into(),
            model: None,
            spec: ctx.spec.content_hash(),
        },
    ))?;
    let judgement = judge(ctx, group, number, head, base, &[])?;
    let tree = repo.tree_of(head)?;
    let end = AttemptFinished {
        outcome: judgement.outcome,
        commit: Some(head),
        tree: Some(tree),
        files: judgement.changes.len() as u32,
        violations: judgement.violations.clone(),
        left_out: Vec::new(),
        fingerprint: judgement.fingerprint,
        brief: brief(ctx, &judgement, None),
        turn: "by hand".into(),
        claim: String::new(),
        duration_s: 0.0,
    };
    let mut entries = vec![Entry::attempt(&group.id, number, end)];
    entries.push(match judgement.outcome {
        AttemptOutcome::Passing => {
            Entry::attempt(&group.id, number, GroupPassing { commit: head, tree, base })
        }
        // A person's commit ends the agent's attempts on that group until it is built --again.
        outcome => Entry::attempt(
            &group.id,
            number,
            GroupFailed {
                reason: format!("the commit by hand is not passing: {}", outcome.word()),
            },
        ),
    });
    ctx.session.append_with(ctx.ws, |_| Ok(entries)).map(drop)
}
