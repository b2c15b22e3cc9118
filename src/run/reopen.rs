//! Going on: the configuration is the session's; a few values may be changed, and that is recorded.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::{Error, Result};
use crate::disk::lock::Run;
use crate::disk::{self, Held};
use crate::run::wake::woken;
use crate::session::config::{Settings, refuse_secret, unmistakable};
use crate::session::event::{GroupInvalidated, Invalid, RunResumed};
use crate::session::journal::Entry;
use crate::session::{Phase, Session, State, Workspace, latest};
use crate::stage::spending::spent_by;

/// What a resume may change.
const CHANGEABLE: [&str; 12] = [
    "provider",
    "model",
    "effort",
    "jobs",
    "run_budget_seconds",
    "budget_usd",
    "group_budget_usd",
    "max_turns_per_call",
    "fallback",
    "patience_seconds",
    "attempts",
    "git.filters",
];

/// What failed groups get more of.
struct More {
    attempts: bool,
    /// The budget of a group, before and now.
    money: Option<(Option<f64>, Option<f64>)>,
}

impl More {
    /// More attempts are for the groups that have used theirs up, and more money for those that
    /// were over their budget and are not any more.
    fn reopens<'a>(&'a self, state: &'a State) -> impl Iterator<Item = &'a String> {
        let failed = state.groups.iter().filter(|(_, g)| matches!(g.phase, Phase::Failed { .. }));
        failed.map(|(gid, _)| gid).filter(|gid| {
            let spent = spent_by(state, gid);
            let over = |budget: Option<f64>| budget.is_some_and(|budget| spent >= budget);
            self.attempts || self.money.is_some_and(|(before, now)| over(before) && !over(now))
        })
    }
}

/// What the programs of the stopped run were in the middle of writing.
fn sweep(ws: &Workspace, session: &Session) -> Result<()> {
    disk::sweep(&ws.layout.logs)?;
    disk::sweep(&ws.layout.locks())?;
    disk::sweep(&ws.layout.check_cache())?;
    disk::sweep_below(&session.layout.dir)
}

/// Records the resume and applies its changes to the session in memory.
pub fn reopen(
    ws: &Workspace,
    _held: &Held<Run>,
    mut session: Session,
    flags: &[(String, Value, String)],
) -> Result<Session> {
    // Before the first word is written: a damaged contract is nothing to go on with.
    if session.with_state(State::approved)?.is_some() {
        session.spec()?;
    }
    session.require_sandbox()?;
    sweep(ws, &session)?;
    // A kill may have come just before it.
    if latest(&ws.layout)?.as_ref() == Some(&session.id) {
        ws.set_latest(&session.id)?;
    }
    let mut settings: Settings = session.config.settings().clone();
    let mut changes = BTreeMap::new();
    for (key, value, origin) in flags {
        let of_an_agent = key.starts_with("providers.") || key.starts_with("agents.");
        if !CHANGEABLE.contains(&key.as_str()) && !of_an_agent {
            return Err(Error::usage(format!("{origin}: a resumed session keeps its '{key}'"))
                .hint(format!("a resume may change: {}", CHANGEABLE.join(", "))));
        }
        // Only what is new: a session of an older version may hold one already.
        refuse_secret(&unmistakable(&settings), key, value, origin)?;
        settings.set(key, Some(value.clone()), origin)?;
        changes.insert(key.clone(), value.to_string());
    }
    let before = std::mem::replace(&mut session.config, settings.config()?);
    let more = More {
        attempts: changes.contains_key("attempts"),
        money: changes
            .contains_key("group_budget_usd")
            .then_some((before.group_budget_usd, session.config.group_budget_usd)),
    };
    session.append_with(ws, |state| {
        let mut entries = vec![Entry::new(RunResumed { changes })];
        // Whoever goes on by hand does not want to wait for what was to be waited for.
        let waiting = state.waiting(ws.clock.now());
        entries.extend(waiting.map(|(provider, _)| woken(provider, "otto run --resume")));
        entries.extend(more.reopens(state).map(|gid| {
            let brief = String::new();
            Entry::group(
                gid,
                GroupInvalidated { reason: Invalid::Again, brief, judge_first: false },
            )
        }));
        Ok(entries)
    })?;
    Ok(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_lists_what_a_resume_may_change() {
        let page = include_str!("../../docs/configuration.md");
        let (_, rest) = page.split_once("`otto run --resume` may change ").expect("the sentence");
        let (list, _) = rest.split_once(", and records that").expect("its end");
        let mut told: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
        let mut can: Vec<&str> = CHANGEABLE.to_vec();
        can.extend(["providers.*", "agents.*"]);
        told.sort_unstable();
        can.sort_unstable();
        assert_eq!(told, can);
    }
}
