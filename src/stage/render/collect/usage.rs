//! What turns used. Tokens that some turn did not report are not reported: a sum of the rest would
//! pass for the whole. Of the money every known part is kept, beside the number of turns that say
//! nothing of theirs: a bill may be incomplete, and must never be too small without saying so.

use std::collections::BTreeMap;

use super::super::packet::{Usage, sum_of_known};
use crate::session::Event;
use crate::session::config::Role;
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
    total(&turns(records).into_iter().filter(mine).collect::<Vec<_>>())
}

fn by(records: &[Record], key: impl Fn(&Turn) -> Option<String>) -> BTreeMap<String, Usage> {
    let mut all: BTreeMap<String, Vec<Turn>> = BTreeMap::new();
    for turn in turns(records) {
        if let Some(key) = key(&turn) {
            all.entry(key).or_default().push(turn);
        }
    }
    all.into_iter().map(|(key, turns)| (key, total(&turns))).collect()
}

/// One turn, put together from its records.
struct Turn {
    role: String,
    group: Option<String>,
    attempt: Option<u32>,
    turn: Option<u64>,
    usage: event::Usage,
    said: Said,
}

/// How much of its bill a turn has told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    /// It was killed before it said anything, or has said nothing yet.
    Nothing,
    /// It was killed, or goes on.
    Part,
    All,
}

fn turns(records: &[Record]) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for record in records {
        let (group, attempt) = (&record.group, record.attempt);
        match &record.event {
            Event::BudgetSpent(BudgetSpent { role, usage, partial, turn }) => {
                let said = if *partial { Said::Part } else { Said::All };
                let goes_on = turns.iter_mut().rev().find(|t| {
                    let same = t.role == *role && t.group == *group && t.attempt == attempt;
                    same && (t.turn == *turn || t.said == Said::Nothing) && t.said != Said::All
                });
                match goes_on {
                    Some(open) => {
                        open.usage.add(usage);
                        (open.turn, open.said) = (*turn, said);
                    }
                    None => turns.push(Turn {
                        role: role.clone(),
                        group: group.clone(),
                        attempt,
                        turn: *turn,
                        usage: *usage,
                        said,
                    }),
                }
            }
            // The turn of an attempt is announced before it can spend anything.
            Event::AttemptStarted(e) if of_an_agent(&e.role) => turns.push(Turn {
                role: e.role.clone(),
                group: group.clone(),
                attempt,
                turn: None,
                usage: event::Usage::default(),
                said: Said::Nothing,
            }),
            // It ended before there was a turn; a turn ends with its bill.
            Event::AttemptFinished(e) if e.turn != "interrupted" => turns
                .retain(|t| t.said != Said::Nothing || t.group != *group || t.attempt != attempt),
            _ => {}
        }
    }
    turns
}

/// A commit by hand is an attempt, too.
fn of_an_agent(role: &str) -> bool {
    Role::ALL.iter().any(|r| r.word() == role)
}

fn total(turns: &[Turn]) -> Usage {
    if turns.is_empty() {
        return Usage::default();
    }
    let tokens = |pick: fn(&event::Usage) -> Option<u64>| -> Option<u64> {
        let mut heard = turns.iter().filter(|t| t.said != Said::Nothing).peekable();
        heard.peek()?;
        heard.try_fold(0_u64, |sum, t| Some(sum.saturating_add(pick(&t.usage)?)))
    };
    // What was killed did not say all.
    let unknown = turns.iter().filter(|t| t.usage.money().is_none() || t.said != Said::All).count();
    // Sums of decimal fractions have a last digit that nobody spent.
    let plain = |usd: Option<f64>| usd.map(|usd| (usd * 1e9).round() / 1e9);
    Usage {
        input: tokens(|u| u.input),
        cached: tokens(|u| u.cached_input),
        output: tokens(|u| u.output),
        reasoning: tokens(|u| u.reasoning),
        cost_usd: plain(turns.iter().map(|t| t.usage.usd).sum()),
        reported_usd: plain(sum_of_known(turns.iter().map(|t| t.usage.usd))),
        estimated_usd: plain(sum_of_known(turns.iter().map(|t| t.usage.estimated_usd))),
        turns_without_money: u32::try_from(unknown).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::Sha256;
    use crate::session::State;
    use crate::stage::render::packet::Bill;

    fn record(seq: usize, group: Option<u8>, attempt: u32, event: BudgetSpent) -> Record {
        Record {
            seq: seq as u64,
            at: jiff::Timestamp::UNIX_EPOCH,
            group: group.map(|g| format!("g{g}")),
            attempt: group.map(|_| attempt),
            actor: "a test".into(),
            event: event.into(),
            hash: Sha256::ZERO,
        }
    }

    fn spent(role: &str, usd: Option<f64>, guess: Option<f64>, partial: bool) -> BudgetSpent {
        let usage = event::Usage { usd, estimated_usd: guess, ..event::Usage::default() };
        BudgetSpent { role: role.into(), usage, partial, turn: None }
    }

    fn near(a: Option<f64>, b: Option<f64>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() < 1e-6,
            (a, b) => a == b,
        }
    }

    #[test]
    fn an_estimate_hides_no_money_and_neither_does_silence() {
        let mut records: Vec<Record> = [(Some(4.0), None), (Some(4.0), None), (None, Some(0.3))]
            .into_iter()
            .enumerate()
            .map(|(n, (usd, guess))| record(n, Some(1), 1, spent("build", usd, guess, false)))
            .collect();
        let bill = |records: &[Record]| by_role(records)["build"].bill();
        let mixed = Bill { reported: Some(8.0), estimated: Some(0.3), unknown: false };
        assert_eq!(bill(&records), mixed);
        records.push(record(3, Some(1), 1, spent("build", None, None, false)));
        assert_eq!(bill(&records), Bill { unknown: true, ..mixed });
        assert_eq!(by_role(&records)["build"].cost_usd, None, "the strict sum stays one");
    }

    #[test]
    fn a_killed_turn_of_a_role_is_not_lost_behind_the_next_one() {
        let turn = |turn, usage: BudgetSpent| BudgetSpent { turn: Some(turn), ..usage };
        let records = [
            record(1, None, 0, turn(0, spent("spec", None, None, true))),
            record(2, None, 0, turn(1, spent("spec", Some(1.0), None, false))),
        ];
        let usage = by_role(&records)["spec"];
        assert_eq!((usage.reported_usd, usage.turns_without_money), (Some(1.0), 1));
        assert_eq!(usage.cost_usd, None);
    }

    proptest! {
        /// The proof's bill is the ledger's, role by role and group by group, and no further turn
        /// makes it smaller.
        #[test]
        fn the_bill_is_what_the_ledger_has_spent(turns in proptest::collection::vec(
            (0_usize..3, proptest::option::of(0_u8..3), 1_u32..4,
             proptest::option::of(0.0..9.0), proptest::option::of(0.0..9.0), any::<bool>()), 0..40))
        {
            let mut state = State::default();
            let mut records = Vec::new();
            let mut before = 0.0;
            for (n, (role, group, attempt, usd, guess, partial)) in turns.into_iter().enumerate() {
                let role = ["build", "spec", "certifier"][role];
                records.push(record(n, group, attempt, spent(role, usd, guess, partial)));
                state.apply(&records[n]);
                let roles = by_role(&records);
                let all = Bill::of(roles.values());
                prop_assert!(near(all.known(), state.total_usage().money()), "{all:?}");
                prop_assert!(all.known().unwrap_or(0.0) >= before - 1e-6);
                before = all.known().unwrap_or(0.0);
                let groups = by_group(&records);
                prop_assert_eq!(groups.len(), state.usage_by_group.len());
                for (group, usage) in groups {
                    prop_assert!(near(usage.bill().known(), state.usage_by_group[&group].money()));
                }
                let complete = roles.values().all(|u| u.turns_without_money == 0);
                prop_assert_eq!(all.unknown, !complete);
            }
        }
    }
}
