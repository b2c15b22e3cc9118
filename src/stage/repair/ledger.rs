//! What is worth repairing. Values in, values out.

use std::collections::BTreeMap;

use crate::base::Sha256;
use crate::session::event::{Finding, FindingKind};
use crate::session::state::State;

/// The outcome of a repair that a stop ended: it was not tried.
pub const INTERRUPTED: &str = "interrupted";

/// The outcome of a repair whose work is in the product, and whose failure is gone.
pub const LANDED: &str = "landed";

/// One dispatch: a group with everything that was found about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Todo {
    /// Names the repair in the ledger: the group and what failed, however often it is found.
    pub key: String,
    pub group: String,
    pub findings: Vec<Finding>,
}

/// Product failures of the newest full audit, by owner, without those that were tried before.
pub fn plan(state: &State) -> Vec<Todo> {
    // A narrowed audit looks at one repair only; what is left to do is in the last full one.
    let Some(audit) = state.last_full_audit() else { return Vec::new() };
    let mut by_group: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for finding in &audit.findings {
        match (finding.kind, &finding.group) {
            (FindingKind::ProductFailure, Some(group)) if finding.check.is_some() => {
                by_group.entry(group.clone()).or_default().push(finding.clone());
            }
            (FindingKind::ProductFailure, _)
            | (FindingKind::ProofGap | FindingKind::Scope | FindingKind::Opinion, _) => {}
        }
    }
    by_group
        .into_iter()
        .map(|(group, findings)| Todo { key: key(&group, &findings), group, findings })
        .filter(|todo| {
            state.repairs.iter().all(|r| {
                let tried = r.outcome.as_deref().is_some_and(|o| o != INTERRUPTED);
                r.key != todo.key || !tried
            })
        })
        .collect()
}

/// Repairs that a kill left open and for which the newest audit has nothing to do any more, with
/// the outcome that is to be recorded: key, group, outcome.
pub fn stale(state: &State, todos: &[Todo]) -> Vec<(String, String, &'static str)> {
    let open = state.repairs.iter().filter(|r| r.outcome.is_none());
    open.filter(|r| todos.iter().all(|t| t.key != r.key))
        .map(|r| {
            let outcome = if state.phase(&r.group).is_in() { LANDED } else { INTERRUPTED };
            (r.key.clone(), r.group.clone(), outcome)
        })
        .collect()
}

fn key(group: &str, findings: &[Finding]) -> String {
    let mut ids: Vec<&str> = findings.iter().map(|f| f.id.as_str()).collect();
    ids.sort_unstable();
    format!("{group}-{}", Sha256::of(ids.join("\n").as_bytes()).short())
}
