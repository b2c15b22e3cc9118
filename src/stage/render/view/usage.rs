//! What turns used, in words that keep "not reported" apart from zero.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::stage::render::packet::{Bill, GroupState, ProofPacket, Usage};
use crate::stage::render::values;

#[derive(Debug, Serialize)]
pub struct UsageRow {
    role: String,
    input: String,
    cached: String,
    output: String,
    reasoning: String,
    cost: String,
}

/// The rows of the roles, of the groups, and the sum. A number that some role did not report makes
/// the sum a lower bound, and it says so.
pub fn usage_rows(packet: &ProofPacket) -> UsageTable {
    let all: Vec<&Usage> = packet.usage.values().collect();
    let rows = |of: &BTreeMap<String, Usage>| {
        of.iter()
            .map(|(name, u)| UsageRow {
                role: name.clone(),
                input: values::tokens(u.input),
                cached: values::tokens(u.cached),
                output: values::tokens(u.output),
                reasoning: values::tokens(u.reasoning),
                cost: money(&u.bill()),
            })
            .collect()
    };
    let sum = |pick: fn(&Usage) -> Option<u64>| {
        let known: Vec<u64> = all.iter().filter_map(|u| pick(u)).collect();
        let sum = known.iter().fold(0_u64, |a, b| a.saturating_add(*b));
        at_least(known.len(), all.len(), values::thousands(sum))
    };
    let bill = Bill::of(packet.usage.values());
    let total = UsageRow {
        role: "all roles".to_owned(),
        input: sum(|u| u.input),
        cached: sum(|u| u.cached),
        output: sum(|u| u.output),
        reasoning: sum(|u| u.reasoning),
        cost: money(&bill),
    };
    let told = |u: &&Usage| {
        [u.input, u.cached, u.output, u.reasoning].iter().any(Option::is_some)
            || u.bill().known().is_some()
    };
    UsageTable {
        nothing: !all.is_empty() && !all.iter().any(told),
        roles: rows(&packet.usage),
        groups: rows(&packet.usage_by_group),
        total,
        each_landed: each_landed(packet, &bill),
    }
}

/// What is shown of [`ProofPacket::usage`].
#[derive(Debug, Serialize)]
pub struct UsageTable {
    /// Nobody reported anything.
    nothing: bool,
    roles: Vec<UsageRow>,
    groups: Vec<UsageRow>,
    total: UsageRow,
    /// The money of all turns, for each group that landed.
    each_landed: Option<String>,
}

/// The money, with what is missing of it and what is a guess.
fn money(bill: &Bill) -> String {
    let Some(known) = bill.known() else { return values::NOT_REPORTED.to_owned() };
    let least = if bill.unknown { "at least " } else { "" };
    let mark = match (bill.estimated, bill.reported) {
        (None, _) => "",
        // Of a turn that told its money after all, nothing is left of the estimate.
        (Some(guess), Some(_)) if guess.abs() < 1e-9 => "",
        (Some(_), None) => " (estimated)",
        (Some(_), Some(_)) => " (partly estimated)",
    };
    format!("{least}{}{mark}", values::dollars(Some(known)))
}

fn each_landed(packet: &ProofPacket, all: &Bill) -> Option<String> {
    let landed = packet.groups.iter().filter(|g| g.state == GroupState::Landed).count();
    all.known().filter(|_| landed > 0)?;
    let share = |sum: Option<f64>| sum.map(|sum| sum / landed as f64);
    let each = Bill {
        reported: share(all.reported),
        estimated: share(all.estimated),
        unknown: all.unknown,
    };
    Some(money(&each))
}

pub fn at_least(known: usize, of: usize, sum: String) -> String {
    if known == 0 {
        values::NOT_REPORTED.to_owned()
    } else if known < of {
        format!("at least {sum}")
    } else {
        sum
    }
}

/// One line: what an attempt used, and what nobody reported.
pub fn used(usage: &Usage) -> String {
    let tokens = [
        ("input", usage.input),
        ("from cache", usage.cached),
        ("output", usage.output),
        ("reasoning", usage.reasoning),
    ];
    let bill = usage.bill();
    let shown = tokens.into_iter().map(|(name, n)| (name, n.map(values::thousands)));
    let shown: Vec<(&str, Option<String>)> =
        shown.chain([("cost", bill.known().map(|_| money(&bill)))]).collect();
    let known: Vec<String> =
        shown.iter().filter_map(|(name, n)| n.as_ref().map(|n| format!("{name} {n}"))).collect();
    let unknown: Vec<&str> =
        shown.iter().filter(|(_, n)| n.is_none()).map(|(name, _)| *name).collect();
    match (known.is_empty(), unknown.is_empty()) {
        (_, true) => known.join(", "),
        (true, false) => values::NOT_REPORTED.to_owned(),
        (false, false) => {
            format!("{}; {}: {}", known.join(", "), values::NOT_REPORTED, unknown.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_named_and_never_zero() {
        let some = Usage { input: Some(1200), output: Some(0), ..Usage::default() };
        assert_eq!(
            used(&some),
            "input 1\u{202f}200, output 0; not reported: from cache, reasoning, cost"
        );
        assert_eq!(used(&Usage::default()), "not reported");
        let bill = |reported, estimated, unknown| money(&Bill { reported, estimated, unknown });
        assert_eq!(bill(Some(12.0), Some(0.6), false), "$12.60 (partly estimated)");
        assert_eq!(bill(None, Some(0.6), false), "$0.60 (estimated)");
        assert_eq!(bill(Some(12.0), None, true), "at least $12.00");
        assert_eq!(bill(Some(12.0), Some(0.6), true), "at least $12.60 (partly estimated)");
        assert_eq!(bill(None, None, true), "not reported");
        assert_eq!(bill(Some(12.0), Some(0.3 + 0.1 - 0.4), false), "$12.00");
        assert_eq!(at_least(0, 2, "0".into()), "not reported");
        assert_eq!(at_least(1, 2, "7".into()), "at least 7");
        assert_eq!(at_least(2, 2, "7".into()), "7");
    }
}
