//! Which group a failure goes to: the owner of the failing path. Values in, values out.
//!
//! Where the failing paths belong to several groups, it crosses them and goes to the integration
//! owner: the group that owns most of them, and of several the one that comes last in the order of
//! dependencies, which knows all the others. Where no path says anything, the check's own group,
//! then the owners of what its command names, then the groups of its features.

use std::collections::BTreeMap;

use super::paths::{Named, is_test};
use crate::spec::{Ownership, Spec, Verdict, order};

/// What is known about a failure.
#[derive(Debug, Clone, Copy)]
pub struct Clues<'a> {
    /// Named by what it printed.
    pub named: &'a Named,
    /// Words of its command.
    pub argv: &'a [String],
    /// The group whose check it is.
    pub own: Option<&'a str>,
    pub features: &'a [String],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub group: String,
    /// For a person.
    pub why: String,
}

/// `None`: nobody whose work is in the product (`is_in`) answers for it.
pub fn route(
    spec: &Spec,
    ownership: &Ownership,
    is_in: &dyn Fn(&str) -> bool,
    clues: Clues<'_>,
) -> Option<Route> {
    let by_paths = |paths: &[String], what: &str| {
        let owned = owned(ownership, is_in, paths);
        owner_of_most(spec, &owned).map(|group| {
            let why = match owned.iter().find(|(_, g)| *g == group) {
                Some((path, _)) if owned.iter().all(|(_, g)| *g == group) => {
                    format!("`{path}` is named in {what}")
                }
                _ => crossing(&owned, group, what),
            };
            Route { group: group.to_owned(), why }
        })
    };
    let own = clues.own.filter(|g| is_in(g));
    by_paths(&clues.named.traced, "the trace of the failure")
        .or_else(|| {
            // A mention is weaker than whose check it is.
            own.map(|g| Route { group: g.to_owned(), why: "it is the group's own check".into() })
        })
        .or_else(|| by_paths(&clues.named.mentioned, "the failing output"))
        .or_else(|| by_paths(clues.argv, "the check's command"))
        .or_else(|| by_features(spec, is_in, clues.features))
}

/// Paths with the group that owns each, tests only where there is nothing else.
fn owned<'a>(
    ownership: &'a Ownership,
    is_in: &dyn Fn(&str) -> bool,
    paths: &'a [String],
) -> Vec<(&'a str, &'a str)> {
    let all: Vec<(&str, &str)> = paths
        .iter()
        .filter_map(|path| {
            let owner = ownership.owner_of(path)?;
            // What is protected is nobody's to mend.
            let mends = ownership.may_write(owner, path) == Verdict::Owned;
            (mends && is_in(owner)).then_some((path.as_str(), owner))
        })
        .collect();
    let product: Vec<_> = all.iter().copied().filter(|(path, _)| !is_test(path)).collect();
    if product.is_empty() { all } else { product }
}

fn owner_of_most<'a>(spec: &Spec, owned: &[(&'a str, &'a str)]) -> Option<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, group) in owned {
        *counts.entry(group).or_default() += 1;
    }
    let most = counts.values().copied().max()?;
    let tied: Vec<&str> = counts.into_iter().filter(|(_, n)| *n == most).map(|(g, _)| g).collect();
    last_of(spec, &tied)
}

fn by_features(spec: &Spec, is_in: &dyn Fn(&str) -> bool, features: &[String]) -> Option<Route> {
    let mut groups: Vec<&str> = Vec::new();
    for feature in features.iter().filter_map(|f| spec.feature(f)) {
        if is_in(&feature.group) && !groups.contains(&feature.group.as_str()) {
            groups.push(&feature.group);
        }
    }
    let group = last_of(spec, &groups)?.to_owned();
    let why = match groups.as_slice() {
        [_] => "it builds the feature that the check is for".to_owned(),
        several => format!(
            "the check is for features of {}, and it comes last of them",
            several.join(", ")
        ),
    };
    Some(Route { group, why })
}

/// The last of `groups` in the order of dependencies.
fn last_of<'a>(spec: &Spec, groups: &[&'a str]) -> Option<&'a str> {
    let order = order::topological(spec).unwrap_or_default();
    groups.iter().copied().max_by_key(|g| order.iter().position(|id| id == g))
}

fn crossing(owned: &[(&str, &str)], group: &str, what: &str) -> String {
    let mut groups: Vec<&str> = owned.iter().map(|(_, g)| *g).collect();
    groups.sort_unstable();
    groups.dedup();
    let mine = owned.iter().filter(|(_, g)| *g == group).count();
    format!(
        "{what} names paths of {}; it owns {mine} of {} and is the integration owner",
        groups.join(", "),
        owned.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::sample;

    /// Groups `a`, `b` on `a`, and `c` on both, each with a folder of its name.
    fn scene() -> (Spec, Ownership) {
        let mut spec = sample::good();
        let (group, feature) = (spec.groups[0].clone(), spec.features[0].clone());
        spec.groups = [("a", vec![]), ("b", vec!["a"]), ("c", vec!["a", "b"])]
            .map(|(id, deps)| crate::spec::Group {
                id: id.into(),
                deps: deps.into_iter().map(str::to_owned).collect(),
                owned_paths: vec![format!("{id}/**")],
                ..group.clone()
            })
            .into();
        spec.features = ["a", "b", "c"]
            .map(|g| crate::spec::Feature {
                id: format!("f-{g}"),
                group: g.into(),
                ..feature.clone()
            })
            .into();
        spec.protected_paths = vec!["a/protected/**".into()];
        spec.shared_scaffold.clear();
        spec.contracts.clear();
        let ownership = Ownership::new(&spec, &[]).expect("globs");
        (spec, ownership)
    }

    fn named(traced: &[&str], mentioned: &[&str]) -> Named {
        let own = |l: &[&str]| l.iter().map(|p| (*p).to_owned()).collect();
        Named { traced: own(traced), mentioned: own(mentioned) }
    }

    fn to(named: &Named, argv: &[&str], own: Option<&str>, features: &[&str]) -> Option<Route> {
        let (spec, ownership) = scene();
        let argv: Vec<String> = argv.iter().map(|s| (*s).to_owned()).collect();
        let features: Vec<String> = features.iter().map(|s| (*s).to_owned()).collect();
        let clues = Clues { named, argv: &argv, own, features: &features };
        route(&spec, &ownership, &|_| true, clues)
    }

    fn group(route: Option<Route>) -> String {
        let route = route.expect("somebody");
        assert!(!route.why.is_empty());
        route.group
    }

    #[test]
    fn the_owner_of_the_failing_path_gets_it_whoever_noticed() {
        let trace = named(&["b/x.py"], &["a/y"]);
        assert_eq!(group(to(&trace, &["a/run"], Some("c"), &["f-a"])), "b");
        // A trace through the test leads to the product.
        let both = named(&["a/tests/t.py", "b/x.py"], &[]);
        assert_eq!(group(to(&both, &[], Some("a"), &[])), "b");
    }

    #[test]
    fn a_mention_does_not_outweigh_whose_check_it_is() {
        let mention = named(&[], &["b/x"]);
        assert_eq!(group(to(&mention, &[], Some("a"), &[])), "a");
        assert_eq!(group(to(&mention, &["a/run"], None, &["f-c"])), "b");
        let nothing = named(&[], &[]);
        assert_eq!(group(to(&nothing, &["sh", "a/run"], None, &["f-c"])), "a");
        assert_eq!(group(to(&nothing, &["sh"], None, &["f-a", "f-c"])), "c");
        assert_eq!(to(&nothing, &["sh"], None, &[]), None);
    }

    #[test]
    fn what_crosses_groups_goes_to_the_integration_owner() {
        let most = named(&["a/1", "a/2", "c/3"], &[]);
        assert_eq!(group(to(&most, &[], None, &[])), "a");
        let tied = named(&["c/1", "a/2", "b/3"], &[]);
        let route = to(&tied, &[], None, &[]).expect("one");
        assert_eq!(route.group, "c", "the last in the order of dependencies");
        assert!(route.why.contains("a, b, c"), "{}", route.why);
    }

    #[test]
    fn what_nobody_may_write_and_who_is_not_in_counts_for_nothing() {
        let protected = named(&["a/protected/x", "b/y"], &[]);
        assert_eq!(group(to(&protected, &[], None, &[])), "b");
        let (spec, ownership) = scene();
        let trace = named(&["b/y"], &[]);
        let clues = Clues { named: &trace, argv: &[], own: Some("b"), features: &["f-a".into()] };
        let route = route(&spec, &ownership, &|g| g != "b", clues);
        assert_eq!(group(route), "a");
    }
}
