//! The order that dependencies give to groups. Pure; unknown dependencies are ignored here and
//! reported by the rules.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::model::Spec;

/// Every group that cannot go on without `gid`, directly or through others, in spec order.
pub fn dependents<'a>(spec: &'a Spec, gid: &str) -> Vec<&'a str> {
    let mut reached: HashSet<&str> = HashSet::new();
    let by_dep = reverse(spec);
    let mut queue = vec![gid];
    while let Some(id) = queue.pop() {
        for next in by_dep.get(id).into_iter().flatten() {
            if *next != gid && reached.insert(next) {
                queue.push(next);
            }
        }
    }
    spec_order(spec, reached)
}

/// `ids` in the order in which the spec lists its groups, each once; those that are no group of it
/// are left out.
pub fn spec_order<'a, 'b>(spec: &'a Spec, ids: impl IntoIterator<Item = &'b str>) -> Vec<&'a str> {
    let wanted: HashSet<&str> = ids.into_iter().collect();
    spec.groups.iter().map(|g| g.id.as_str()).filter(|id| wanted.contains(id)).collect()
}

/// All groups, dependencies first and otherwise in spec order. A cycle is returned as the ids
/// along it, the first one again at the end.
pub fn topological(spec: &Spec) -> Result<Vec<&str>, Vec<&str>> {
    let (order, rest) = settle(spec);
    if rest.is_empty() { Ok(order) } else { Err(cycles(spec).swap_remove(0)) }
}

/// The cycles of the dependencies, at least one for each knot of groups that depend on each other.
pub(super) fn cycles(spec: &Spec) -> Vec<Vec<&str>> {
    let (_, rest) = settle(spec);
    let mut next: HashMap<&str, &str> = HashMap::new();
    for group in spec.groups.iter().filter(|g| rest.contains(g.id.as_str())) {
        // What could not be settled waits for something that could not be settled either.
        if let Some(dep) = group.deps.iter().find(|d| rest.contains(d.as_str())) {
            next.insert(&group.id, dep);
        }
    }
    let mut found = Vec::new();
    let mut seen: HashSet<&str> = HashSet::new();
    for start in spec_order(spec, rest) {
        let mut path = Vec::new();
        let mut at = start;
        while seen.insert(at) {
            path.push(at);
            let Some(to) = next.get(at) else { break };
            at = to;
        }
        if let Some(from) = path.iter().position(|id| *id == at).filter(|_| next.contains_key(at)) {
            let mut cycle = path[from..].to_vec();
            cycle.push(at);
            found.push(cycle);
        }
    }
    found
}

/// Kahn's algorithm: the settled groups in order, and the ids that are in or behind a cycle.
fn settle(spec: &Spec) -> (Vec<&str>, HashSet<&str>) {
    let index: HashMap<&str, usize> =
        spec.groups.iter().enumerate().map(|(i, g)| (g.id.as_str(), i)).collect();
    let by_dep = reverse(spec);
    let mut open: Vec<usize> = spec
        .groups
        .iter()
        .map(|g| {
            let deps: HashSet<&str> = g.deps.iter().map(String::as_str).collect();
            deps.into_iter().filter(|d| index.contains_key(d)).count()
        })
        .collect();
    let mut ready: BTreeSet<usize> = index.values().copied().filter(|i| open[*i] == 0).collect();
    let mut order = Vec::new();
    let mut rest: HashSet<&str> = index.keys().copied().collect();
    while let Some(i) = ready.pop_first() {
        let id = spec.groups[i].id.as_str();
        order.push(id);
        rest.remove(id);
        for next in by_dep.get(id).into_iter().flatten() {
            let n = index[next];
            open[n] = open[n].saturating_sub(1);
            if open[n] == 0 && rest.contains(next) {
                ready.insert(n);
            }
        }
    }
    (order, rest)
}

/// Dependency → its direct dependents, each once.
fn reverse(spec: &Spec) -> HashMap<&str, Vec<&str>> {
    let mut out: HashMap<&str, Vec<&str>> = HashMap::new();
    for group in &spec.groups {
        for dep in &group.deps {
            let list = out.entry(dep).or_default();
            if !list.contains(&group.id.as_str()) {
                list.push(&group.id);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::sample;

    fn spec(groups: &[(&str, &[&str])]) -> Spec {
        let mut spec = sample::good();
        let template = spec.groups[0].clone();
        spec.groups = groups
            .iter()
            .map(|(id, deps)| {
                let mut group = template.clone();
                group.id = (*id).to_owned();
                group.deps = deps.iter().map(|d| (*d).to_owned()).collect();
                group
            })
            .collect();
        spec
    }

    #[test]
    fn dependencies_come_first_and_ties_keep_the_order_of_the_spec() {
        let s =
            spec(&[("d", &["b", "c"]), ("c", &["a"]), ("b", &["a", "a"]), ("a", &[]), ("z", &[])]);
        assert_eq!(topological(&s), Ok(vec!["a", "c", "b", "d", "z"]));
        assert_eq!(dependents(&s, "a"), ["d", "c", "b"]);
        assert_eq!(dependents(&s, "z"), Vec::<&str>::new());
        assert_eq!(spec_order(&s, ["z", "d", "nobody", "a", "z"]), ["d", "a", "z"]);
    }

    #[test]
    fn a_cycle_is_named_along_its_way() {
        let s = spec(&[("x", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("ok", &[])]);
        assert_eq!(topological(&s), Err(vec!["a", "b", "c", "a"]));
        let s = spec(&[("a", &["b"]), ("b", &["a"]), ("p", &["q"]), ("q", &["p"])]);
        assert_eq!(cycles(&s).len(), 2);
        let s = spec(&[("a", &["a"])]);
        assert_eq!(topological(&s), Err(vec!["a", "a"]));
        assert_eq!(dependents(&s, "a"), Vec::<&str>::new());
    }

    #[test]
    fn unknown_dependencies_do_not_stop_it() {
        assert_eq!(topological(&spec(&[("a", &["ghost"])])), Ok(vec!["a"]));
    }
}
