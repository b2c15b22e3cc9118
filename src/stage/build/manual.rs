//! A person may commit to a build branch, with or without any agent: a head that no attempt
//! recorded becomes a manual attempt, under the same ownership and the same checks.

use super::base::{Base, base_of};
use super::brief::brief;
use super::group::{close_open_attempt, hold_group, proves_nothing};
use super::heads::{is_known, is_recorded};
use super::judge::judge;
use crate::base::{Exit, Result};
use crate::disk::Held;
use crate::disk::lock::Group as GroupLock;
use crate::git::Oid;
use crate::session::event::{
    AttemptFinished, AttemptOutcome, AttemptStarted, GroupFailed, GroupPassing,
};
use crate::session::journal::Entry;
use crate::spec::Group;
use crate::stage::Context;

/// The role of an attempt that a person made.
pub const MANUAL: &str = "manual";

/// Judges every build head that the journal does not know. A group that somebody builds right now
/// is left to its builder, who looks as well.
pub fn take_in_manual_work(ctx: &Context<'_>) -> Result<()> {
    for group in &ctx.spec.groups {
        if manual_head(ctx, group)?.is_none() {
            continue;
        }
        let held = match hold_group(ctx, group) {
            Ok(held) => held,
            Err(e) if e.exit() == Exit::LATER => continue,
            Err(e) => return Err(e),
        };
        let judged = close_open_attempt(ctx, group, &held, &[]).and_then(|()| {
            match manual_head(ctx, group)? {
                Some(head) => judge_manual(ctx, group, &held, head),
                None => Ok(()),
            }
        });
        match judged {
            // What is wrong with one group's commit stops no other.
            Err(e) if e.exit() == Exit::NO => ctx.report.say(&format!("{}: {e}", group.id)),
            other => other?,
        }
    }
    Ok(())
}

/// Commits that a person made on the branch of a group whose work is in the product already.
pub fn late_work(ctx: &Context<'_>) -> Result<Vec<(String, Oid)>> {
    let mut out = Vec::new();
    for group in &ctx.spec.groups {
        let (is_in, known, tip) = ctx.session.with_state(|s| {
            let now = s.group(&group.id).cloned().unwrap_or_default();
            (now.phase.is_in(), now, s.tip().unwrap_or(ctx.base()))
        })?;
        if !is_in {
            continue;
        }
        let Some(head) = ctx.ws.read_own_ref(&ctx.build_ref(&group.id))? else { continue };
        if !is_recorded(&known, head) && !ctx.ws.repo.is_ancestor(head, tip)? {
            out.push((group.id.clone(), head));
        }
    }
    Ok(out)
}

/// A head of the group's branch that is no attempt's and not in the product.
pub fn manual_head(ctx: &Context<'_>, group: &Group) -> Result<Option<Oid>> {
    let Some(head) = ctx.ws.read_own_ref(&ctx.build_ref(&group.id))? else { return Ok(None) };
    let (known, tip) = ctx
        .session
        .with_state(|s| (is_known(s, &group.id, head), s.tip().unwrap_or(ctx.base())))?;
    Ok((!known && !ctx.ws.repo.is_ancestor(head, tip)?).then_some(head))
}

/// Under the group's lock: the same judgement as for an agent's attempt.
pub fn judge_manual(
    ctx: &Context<'_>,
    group: &Group,
    _held: &Held<GroupLock>,
    head: Oid,
) -> Result<()> {
    let repo = &ctx.ws.repo;
    let state = ctx.state()?;
    let number = state.group(&group.id).map_or(1, |g| g.next_attempt());
    // What the person started from: the newest point that the product and the branch share.
    let ours = match base_of(ctx, group, &state) {
        Ok(base) => base,
        // Its dependencies conflict with each other; the commit can be judged all the same.
        Err(e) if e.exit() == Exit::NO => Base {
            commit: state.tip().unwrap_or(ctx.base()),
            dep_heads: std::collections::BTreeMap::new(),
        },
        Err(e) => return Err(e),
    };
    let base = repo.merge_base(ours.commit, head)?.unwrap_or(ours.commit);
    // git syncs no objects unless it is told to, and the record will name this one.
    ctx.sync_objects()?;
    ctx.report.say(&format!(
        "{}: a commit by hand ({}), judged like any other",
        group.id,
        head.short()
    ));
    ctx.append(Entry::attempt(
        &group.id,
        number,
        AttemptStarted {
            role: MANUAL.into(),
            base,
            dep_heads: ours.dep_heads,
            start: base,
            provider: "a person".into(),
            model: None,
            spec: ctx.spec_sha256(),
        },
    ))?;
    // By the spec that holds when it is recorded.
    while !judged(&*ctx.now()?, &group.id, number, (head, base))? {}
    Ok(())
}

/// Judges the commit and records the end; false, and nothing, when the spec is another by now.
fn judged(ctx: &Context<'_>, gid: &str, number: u32, (head, base): (Oid, Oid)) -> Result<bool> {
    let group = ctx.group(gid)?;
    let empty = proves_nothing(ctx, group, &ctx.state()?)?;
    let judgement = judge(ctx, group, number, head, base, &[])?;
    let tree = ctx.ws.repo.tree_of(head)?;
    let end = AttemptFinished {
        outcome: judgement.outcome,
        commit: Some(head),
        tree: Some(tree),
        files: judgement.changes.len() as u32,
        violations: judgement.violations.clone(),
        left_out: Vec::new(),
        fingerprint: judgement.fingerprint,
        brief: brief(ctx, &judgement, base, None),
        turn: "by hand".into(),
        claim: String::new(),
        duration_s: 0.0,
        boot: crate::process::boot_id(),
        conversation: None,
    };
    let end = end.retold(|text| ctx.secrets().hide(text));
    let last = match (judgement.outcome, empty) {
        (AttemptOutcome::Passing, None) => {
            Entry::attempt(&group.id, number, GroupPassing { commit: head, tree, base })
        }
        // A person's commit ends the agent's attempts on that group until it is built --again.
        (AttemptOutcome::Passing, Some(reason)) => {
            Entry::attempt(&group.id, number, GroupFailed { reason })
        }
        (outcome, _) => {
            let reason = format!("the commit by hand is not passing: {}", outcome.word());
            Entry::attempt(&group.id, number, GroupFailed { reason })
        }
    };
    let entries = vec![Entry::attempt(&group.id, number, end), last];
    let written =
        ctx.session.append_with(ctx.ws, |s| Ok(if ctx.is_by(s) { entries } else { Vec::new() }))?;
    Ok(!written.is_empty())
}
