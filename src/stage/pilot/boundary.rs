//! When the pilot is asked, and about whom. Values in, values out.
//!
//! Only where something failed and something can still be tried: after building, and after an audit
//! that found product failures. A boundary has a name that follows from what failed and how often
//! it was tried, so the same one is never asked about twice, whoever stops in between.

use std::collections::BTreeMap;

use crate::base::Sha256;
use crate::session::event::{After, Course};
use crate::session::state::{Phase, State};
use crate::spec::Spec;
use crate::stage::build::schedule;
use crate::stage::repair;

/// Questions in one session.
pub const CALLS: usize = 6;

/// A place to ask at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    pub name: String,
    pub after: After,
    /// Counted from 1 in the session.
    pub number: u32,
    /// Groups that failed and can be tried again, in spec order.
    pub failing: Vec<String>,
    /// These and what waits for them: what an answer may be about.
    pub open: Vec<String>,
}

/// The boundary that the session is at, unless it was asked about. One that a kill left without an
/// answer is due: to be closed, not to be asked again.
pub fn due(spec: &Spec, state: &State) -> Option<Boundary> {
    after_build(spec, state).or_else(|| after_audit(spec, state))
}

fn after_build(spec: &Spec, state: &State) -> Option<Boundary> {
    if !schedule::ready(spec, state).is_empty() {
        return None;
    }
    let failing: Vec<String> = spec
        .groups
        .iter()
        .filter(|g| {
            state.group(&g.id).is_some_and(|s| {
                matches!(s.phase, Phase::Failed { .. })
                    && s.repair.is_none()
                    && s.taken_up < schedule::TAKE_UPS
                    && s.course != Some(Course::Skip)
            })
        })
        .map(|g| g.id.clone())
        .collect();
    let waiting = schedule::blocked(spec, state);
    let is_skipped = |gid: &str| state.group(gid).and_then(|g| g.course) == Some(Course::Skip);
    let open = spec
        .groups
        .iter()
        .map(|g| g.id.clone())
        .filter(|g| {
            failing.contains(g) || (waiting.iter().any(|(id, _)| id == g) && !is_skipped(g))
        })
        .collect();
    let parts =
        failing.iter().map(|g| format!("{g} {}", state.group(g).map_or(0, |s| s.attempts.len())));
    boundary(state, After::Build, parts.collect(), failing, open)
}

fn after_audit(spec: &Spec, state: &State) -> Option<Boundary> {
    // What was found is about another product by now.
    state.last_full_audit().filter(|a| Some(a.tip) == state.tip())?;
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (gid, part) in repair::open(state) {
        if state.group(gid).and_then(|g| g.course) != Some(Course::Skip) {
            found.entry(gid).or_default().push(part);
        }
    }
    let failing: Vec<String> = spec
        .groups
        .iter()
        .map(|g| g.id.clone())
        .filter(|g| found.contains_key(g.as_str()))
        .collect();
    let mut parts: Vec<String> = found
        .iter()
        .flat_map(|(gid, prints)| prints.iter().map(move |p| format!("{gid} {p}")))
        .collect();
    parts.sort_unstable();
    boundary(state, After::Audit, parts, failing.clone(), failing)
}

fn boundary(
    state: &State,
    after: After,
    parts: Vec<String>,
    failing: Vec<String>,
    open: Vec<String>,
) -> Option<Boundary> {
    if failing.is_empty() {
        return None;
    }
    let name = format!("{}-{}", after.word(), Sha256::of(parts.join("\n").as_bytes()).short());
    let number = match state.pilot.iter().find(|c| c.boundary == name) {
        Some(call) if call.decided.is_some() => return None,
        Some(call) => call.number,
        None if state.pilot.len() >= CALLS => return None,
        None => state.pilot.len() as u32 + 1,
    };
    Some(Boundary { name, after, number, failing, open })
}
