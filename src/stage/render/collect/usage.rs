//! What turns used. A number that some turn did not report is not reported: a sum of the rest
//! would pass for the whole.

use std::collections::BTreeMap;

use super::super::packet::Usage;
use crate::session::Event;
use crate::session::event::{self, BudgetSpent};
use crate::session::journal::Record;

/// Role → its turns.
pub(super) fn by_role(records: &[Record]) -> BTreeMap<String, Usage> {
    by(records, |turn| Some(turn.role.clone()))
}

/// Group → its turns, whatever came of them.
pub(super) fn by_group(records: &[Record]) -> BTreeMap<String, Usage> {
    by(records, |turn| turn.group.clone())
}

/// Of one attempt of a group.
pub(super) fn of_attempt(records: &[Record], group: &str, attempt: u32) -> Usage {
    let mine = |t: &Turn| t.group.as_deref() == Some(group) && t.attempt == Some(attempt);
    let turns: Vec<event::Usage> =
        turns(records).into_iter().filter(mine).map(|t| t.usage).collect();
    total(&turns)
}

fn by(records: &[Record], key: impl Fn(&Turn) -> Option<String>) -> BTreeMap<String, Usage> {
    let mut all: BTreeMap<String, Vec<event::Usage>> = BTreeMap::new();
    for turn in turns(records) {
        if let Some(key) = key(&turn) {
            all.entry(key).or_default().push(turn.usage);
        }
    }
    all.into_iter().map(|(key, turns)| (key, total(&turns))).collect()
}

/// One turn, put together from its records.
struct Turn {
    role: String,
    group: Option<String>,
    attempt: Option<u32>,
    usage: event::Usage,
    closed: bool,
}

fn turns(records: &[Record]) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for record in records {
        let Event::BudgetSpent(BudgetSpent { role, usage, partial }) = &record.event else {
            continue;
        };
        let goes_on = turns.iter_mut().rev().find(|t| {
            !t.closed && t.role == *role && t.group == record.group && t.attempt == record.attempt
        });
        match goes_on {
            Some(turn) => {
                turn.usage.add(usage);
                turn.closed = !partial;
            }
            None => turns.push(Turn {
                role: role.clone(),
                group: record.group.clone(),
                attempt: record.attempt,
                usage: *usage,
                closed: !partial,
            }),
        }
    }
    turns
}

fn total(turns: &[event::Usage]) -> Usage {
    if turns.is_empty() {
        return Usage::default();
    }
    let tokens = |pick: fn(&event::Usage) -> Option<u64>| -> Option<u64> {
        turns.iter().map(&pick).try_fold(0_u64, |sum, n| Some(sum.saturating_add(n?)))
    };
    Usage {
        input: tokens(|u| u.input),
        cached: tokens(|u| u.cached_input),
        output: tokens(|u| u.output),
        reasoning: tokens(|u| u.reasoning),
        cost_usd: turns.iter().map(|t| t.usd).sum(),
        // Of the turns that have one; it never stands for the others.
        estimated_usd: turns.iter().filter_map(|t| t.estimated_usd).reduce(|a, b| a + b),
    }
}
