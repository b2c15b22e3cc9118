//! What turns used. A number that some turn did not report is not reported: a sum of the rest
//! would pass for the whole.

use std::collections::BTreeMap;

use super::super::packet::Usage;
use crate::session::Event;
use crate::session::event::{self, BudgetSpent};
use crate::session::journal::Record;

pub(super) fn by_role(records: &[Record]) -> BTreeMap<String, Usage> {
    let mut turns: BTreeMap<&str, Vec<&event::Usage>> = BTreeMap::new();
    for record in records {
        if let Event::BudgetSpent(BudgetSpent { role, usage }) = &record.event {
            turns.entry(role).or_default().push(usage);
        }
    }
    turns.into_iter().map(|(role, turns)| (role.to_owned(), total(&turns))).collect()
}

/// Of one attempt of a group.
pub(super) fn of_attempt(records: &[Record], group: &str, attempt: u32) -> Usage {
    let mine = |r: &&Record| r.group.as_deref() == Some(group) && r.attempt == Some(attempt);
    let turns: Vec<&event::Usage> = records
        .iter()
        .filter(mine)
        .filter_map(|r| {
            let Event::BudgetSpent(spent) = &r.event else { return None };
            Some(&spent.usage)
        })
        .collect();
    total(&turns)
}

fn total(turns: &[&event::Usage]) -> Usage {
    if turns.is_empty() {
        return Usage::default();
    }
    let tokens = |pick: fn(&event::Usage) -> Option<u64>| -> Option<u64> {
        turns.iter().map(|t| pick(t)).try_fold(0_u64, |sum, n| Some(sum.saturating_add(n?)))
    };
    Usage {
        input: tokens(|u| u.input),
        cached: tokens(|u| u.cached_input),
        output: tokens(|u| u.output),
        reasoning: tokens(|u| u.reasoning),
        cost_usd: turns.iter().map(|t| t.usd).sum(),
    }
}
