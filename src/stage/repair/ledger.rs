//! What is worth repairing, and when it is not any more. Values in, values out.
//!
//! The ledger has one entry for each (group, fingerprint of the failure) and strategy that was
//! tried. So the same check that fails in another way may be tried, and the same failure never the
//! same way twice. What is known to fail is what the newest full audit found, as far as no narrowed
//! one has looked since.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::Sha256;
use crate::base::text::count;
use crate::session::event::{AuditScope, Finding, FindingKind, Halt, Strategy, Way};
use crate::session::state::{Audit, Repair, State};

/// The outcome of a repair that a stop ended: it was not tried.
pub const INTERRUPTED: &str = "interrupted";

/// The outcome of a repair whose work is in the product, and whose failure is gone.
pub const LANDED: &str = "landed";

/// The outcome of one whose work is in the product for nothing.
pub const STILL_THERE: &str = "landed, and the failure is still there";

/// A failure of one group is tried this often at most, each time in another way.
pub const TRIES: usize = 3;

/// Hash of what each group is told besides its failures, where there is something.
pub type Told = BTreeMap<String, Sha256>;

/// One dispatch: a group with everything that was found about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Todo {
    /// Names the dispatch: the group, what failed, and how it is tried.
    pub key: String,
    pub group: String,
    pub findings: Vec<Finding>,
    pub strategy: Strategy,
}

impl Todo {
    /// Each failure once.
    pub fn failures(&self) -> Vec<Sha256> {
        let all: BTreeSet<Sha256> = self.findings.iter().map(fingerprint_of).collect();
        all.into_iter().collect()
    }
}

/// Why nothing more is repaired of what a full audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    pub round: u32,
    pub reason: Halt,
    pub failures: Vec<Sha256>,
}

impl Stop {
    /// For a person.
    pub fn text(&self) -> String {
        let n = count(self.failures.len(), "failure");
        match self.reason {
            Halt::Oscillation => {
                format!(
                    "{n} of audit {} had gone and came back: repairs undo each other",
                    self.round
                )
            }
            Halt::NoProgress => {
                format!("what landed changed nothing: {n} of audit {} as before", self.round)
            }
        }
    }
}

/// What repair does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// One dispatch a group, in the order of the groups' batches and names.
    Dispatch(Vec<Todo>),
    /// To be recorded, once.
    Stop(Stop),
    Nothing,
}

pub fn next(state: &State, told: &Told) -> Next {
    if is_halted(state) {
        return Next::Nothing;
    }
    if let Some(stop) = stop(state) {
        return Next::Stop(stop);
    }
    match plan(state, told) {
        todos if todos.is_empty() => Next::Nothing,
        todos => Next::Dispatch(todos),
    }
}

/// Product failures that are known and not tried in this way, by owner.
pub fn plan(state: &State, told: &Told) -> Vec<Todo> {
    let mut by_group: BTreeMap<&str, Vec<Finding>> = BTreeMap::new();
    for (group, finding) in failing(state) {
        let strategy = strategy_of(state, told, group);
        if strategy.is_some_and(|s| may_try(state, group, finding, s)) {
            by_group.entry(group).or_default().push(finding.clone());
        }
    }
    let mut todos: Vec<Todo> = by_group
        .into_iter()
        .filter_map(|(group, findings)| {
            let strategy = strategy_of(state, told, group)?;
            let key = key(group, &findings, strategy);
            Some(Todo { key, group: group.to_owned(), findings, strategy })
        })
        .collect();
    let batch = |gid: &str| state.batches.iter().position(|b| b.iter().any(|g| g == gid));
    todos.sort_by_key(|t| batch(&t.group).unwrap_or(usize::MAX));
    todos
}

/// Failures that may be tried once more, if it is in another way: the group, and a name of the
/// failure that changes with each try.
pub fn open(state: &State) -> Vec<(&str, String)> {
    if is_halted(state) || stop(state).is_some() {
        return Vec::new();
    }
    let named = |(group, finding)| {
        let tries = tries(state, group, finding).count();
        (tries < TRIES).then(|| (group, format!("{} {tries}", fingerprint_of(finding))))
    };
    failing(state).into_iter().filter_map(named).collect()
}

/// Product failures that are known, with the group that each goes to: only what has a check that
/// shows it, and a group whose work is in the product.
pub fn failing(state: &State) -> Vec<(&str, &Finding)> {
    let reachable = |gid: &str| {
        state.phase(gid).is_in() || state.group(gid).is_some_and(|g| g.repair.is_some())
    };
    let mut out = Vec::new();
    for finding in known(state) {
        match (finding.kind, &finding.group) {
            (FindingKind::ProductFailure, Some(group))
                if finding.check.is_some() && reachable(group) =>
            {
                out.push((group.as_str(), finding));
            }
            (FindingKind::ProductFailure, _)
            | (FindingKind::ProofGap | FindingKind::Scope | FindingKind::Opinion, _) => {}
        }
    }
    out
}

/// What the newest full audit found, where a narrowed one that came after it has not looked again.
fn known(state: &State) -> Vec<&Finding> {
    let Some(full) = state.last_full_audit() else { return Vec::new() };
    let later = state.audits.iter().skip_while(|a| !std::ptr::eq(*a, full)).skip(1);
    let mut known: Vec<&Finding> = full.findings.iter().collect();
    for audit in later.filter(|a| a.scope == AuditScope::Narrowed && a.finished.is_some()) {
        let looked = |f: &&Finding| {
            f.check.as_ref().is_some_and(|id| audit.checks.iter().any(|c| c.check == *id))
        };
        known.retain(|f| !looked(f));
        known.extend(audit.findings.iter());
    }
    known
}

/// `None`: the group is not to be tried again in this run.
fn strategy_of(state: &State, told: &Told, gid: &str) -> Option<Strategy> {
    let way = match state.group(gid).and_then(|g| g.course) {
        Some(course) => course.way()?,
        None => Way::Retry,
    };
    Some(Strategy { way, told: told.get(gid).copied() })
}

fn may_try(state: &State, gid: &str, finding: &Finding, strategy: Strategy) -> bool {
    tries(state, gid, finding).all(|r| r.strategy != strategy)
        && tries(state, gid, finding).count() < TRIES
}

/// The ledger's entries of one failure of one group.
fn tries<'a>(
    state: &'a State,
    gid: &'a str,
    finding: &'a Finding,
) -> impl Iterator<Item = &'a Repair> {
    let print = fingerprint_of(finding);
    state.repairs.iter().filter(move |r| {
        let same = match r.failures.as_slice() {
            // Recorded before failures had fingerprints.
            [] => r.findings.contains(&finding.id),
            prints => prints.contains(&print),
        };
        r.group == gid && same && r.outcome.as_deref().is_some_and(|o| o != INTERRUPTED)
    })
}

/// Where none was recorded, the finding stands for its failure.
pub fn fingerprint_of(finding: &Finding) -> Sha256 {
    let known = finding.failure.as_ref().map(|f| f.fingerprint);
    known.unwrap_or_else(|| Sha256::of(finding.id.as_bytes()))
}

fn key(group: &str, findings: &[Finding], strategy: Strategy) -> String {
    let prints: BTreeSet<Sha256> = findings.iter().map(fingerprint_of).collect();
    let mut parts: Vec<String> = prints.iter().map(ToString::to_string).collect();
    parts.push(strategy.way.word().to_owned());
    parts.extend(strategy.told.map(|t| t.to_string()));
    format!("{group}-{}", Sha256::of(parts.join("\n").as_bytes()).short())
}

fn is_halted(state: &State) -> bool {
    let of = state.halted.map(|(round, _)| round);
    of.is_some() && of == state.last_full_audit().map(|a| a.round)
}

/// Whether repair goes in circles, or nowhere.
pub fn stop(state: &State) -> Option<Stop> {
    let last = state.last_full_audit()?;
    let full: Vec<&Audit> = state
        .audits
        .iter()
        .skip(state.audits_before)
        .filter(|a| a.scope == AuditScope::Full && a.finished.is_some())
        .collect();
    let at = full.iter().position(|a| std::ptr::eq(*a, last))?;
    let now = prints(last);
    let stopped = |reason, failures: BTreeSet<Sha256>| {
        let failures = failures.into_iter().collect();
        Some(Stop { round: last.round, reason, failures })
    };
    let back: BTreeSet<Sha256> = now.iter().copied().filter(|p| is_back(p, &full[..at])).collect();
    if !back.is_empty() {
        return stopped(Halt::Oscillation, back);
    }
    let before = full[..at].last()?;
    let landed = state.repairs.iter().any(|r| {
        (before.round..last.round).contains(&r.round)
            && matches!(r.outcome.as_deref(), Some(LANDED | STILL_THERE))
    });
    if landed && before.tip != last.tip && !now.is_empty() && prints(before) == now {
        return stopped(Halt::NoProgress, now);
    }
    None
}

/// Fingerprints of the product failures of an audit.
fn prints(audit: &Audit) -> BTreeSet<Sha256> {
    let failures = audit.findings.iter().filter(|f| f.kind == FindingKind::ProductFailure);
    failures.map(fingerprint_of).collect()
}

/// It was there, and then, on another tip, gone.
fn is_back(print: &Sha256, before: &[&Audit]) -> bool {
    before.iter().enumerate().any(|(n, gone)| {
        !prints(gone).contains(print)
            && before[..n].iter().any(|seen| seen.tip != gone.tip && prints(seen).contains(print))
    })
}

/// Repairs that a kill left open and that are not to be gone on with, with the outcome that is to
/// be recorded: key, group, outcome.
pub fn stale(state: &State, todos: &[Todo]) -> Vec<(String, String, &'static str)> {
    let open = state.repairs.iter().filter(|r| r.outcome.is_none());
    open.filter(|r| todos.iter().all(|t| t.key != r.key))
        .map(|r| {
            let outcome = if state.phase(&r.group).is_in() { LANDED } else { INTERRUPTED };
            (r.key.clone(), r.group.clone(), outcome)
        })
        .collect()
}

#[cfg(test)]
mod tests;
