//! Which group lands next. Values in, values out.

use crate::session::state::{Phase, State};
use crate::spec::Spec;

/// Passing groups whose dependencies are all in the product, in spec order.
pub fn eligible<'a>(spec: &'a Spec, state: &State) -> Vec<&'a str> {
    spec.groups
        .iter()
        .filter(|g| matches!(state.phase(&g.id), Phase::Passing { .. }))
        .filter(|g| g.deps.iter().all(|d| state.phase(d).is_in()))
        .map(|g| g.id.as_str())
        .collect()
}

/// Whether every group that lists a feature of `features` is in the product, counting `landing` as
/// in: only then can a check across groups be green.
pub fn features_are_in(spec: &Spec, state: &State, features: &[String], landing: &str) -> bool {
    features.iter().filter_map(|f| spec.feature(f)).all(|f| {
        f.group == landing
            || state.phase(&f.group).is_in()
            || state.group(&f.group).is_some_and(|g| g.landed.is_some())
    })
}
