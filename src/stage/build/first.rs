//! After a change of what decides how a group's work is judged: the work is judged as it is, and
//! nobody is called where it is good by the new spec.

use super::brief::brief;
use super::heads::recorded_head;
use super::judge::judge;
use crate::base::Result;
use crate::session::event::{AttemptOutcome, GroupPassing};
use crate::session::journal::Entry;
use crate::session::state::GroupState;
use crate::spec::{Check, Group};
use crate::stage::Context;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum First {
    /// Recorded as passing.
    Good,
    /// Its builder has to be told this.
    Red(String),
    /// There is nothing that could be judged.
    Nothing,
    /// The spec is another by now.
    Overtaken,
}

pub(super) fn judge_first(
    ctx: &Context<'_>,
    group: &Group,
    now: &GroupState,
    extra: &[Check],
) -> Result<First> {
    let Some(head) = recorded_head(now).filter(|head| ctx.ws.repo.has_object(*head)) else {
        return Ok(First::Nothing);
    };
    let made = now.attempts.iter().rev().find(|a| {
        let end = a.finished.as_ref();
        end.is_some_and(|end| end.commit == Some(head))
    });
    let Some(made) = made.filter(|made| ctx.ws.repo.has_object(made.base)) else {
        return Ok(First::Nothing);
    };
    ctx.report
        .say(&format!("{}: its spec changed; judging what attempt {} made", group.id, made.number));
    let judgement = judge(ctx, group, made.number, head, made.base, extra)?;
    if judgement.outcome != AttemptOutcome::Passing {
        let why = brief(ctx, &judgement, made.base, None);
        return Ok(First::Red(format!("The spec of your part changed since.\n\n{why}")));
    }
    let passing = GroupPassing { commit: head, tree: ctx.ws.repo.tree_of(head)?, base: made.base };
    let entry = Entry::attempt(&group.id, made.number, passing);
    let written = ctx
        .session
        .append_with(ctx.ws, |s| Ok(if ctx.is_by(s) { vec![entry] } else { Vec::new() }))?;
    Ok(if written.is_empty() { First::Overtaken } else { First::Good })
}
