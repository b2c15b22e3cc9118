//! What a changed spec means for work that is done or under way. Pure: two specs in, and for every
//! group that is in both, whether it is touched, why, and what its work needs.
//!
//! What decides how work is judged (checks, paths, services, preparation) needs judging: work that
//! is good by the new rules stays as it is. What a builder is told to make (tasks, features, what it
//! builds on) needs building. Everything else of a spec touches nobody: checks across groups, the
//! order of its rows, non-goals, sentences and amendments are for the audit, which is due again
//! after every change.

use std::collections::{BTreeMap, BTreeSet};

use super::glob::may_overlap;
use super::model::{Check, Contract, Feature, Group, Spec};

/// What the work of a touched group needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Its checks and paths on what is there, before anybody builds.
    Judging,
    /// Its builder.
    Building,
}

/// How a change concerns one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    pub needs: Needs,
    /// What changed, in words, each once.
    pub why: Vec<String>,
}

/// The groups of both specs that the change concerns.
pub fn touched(old: &Spec, new: &Spec) -> BTreeMap<String, Touched> {
    let everybody = of_everybody(old, new);
    let mut out = BTreeMap::new();
    for after in &new.groups {
        let Some(before) = old.group(&after.id) else { continue };
        let mut found = everybody.clone();
        found.extend(of_row(before, after));
        found.extend(of_features((old, before), (new, after)));
        found.extend(of_contracts((old, before), (new, after)));
        found.extend(of_services(old, new, before, after));
        let Some(needs) = found.iter().map(|(needs, _)| *needs).max() else { continue };
        let why = found.into_iter().map(|(_, why)| why).collect();
        out.insert(after.id.clone(), Touched { needs, why });
    }
    out
}

type Found = Vec<(Needs, String)>;

fn differs<T: PartialEq>(old: T, new: T, needs: Needs, what: &str) -> Option<(Needs, String)> {
    (old != new).then(|| (needs, what.to_owned()))
}

/// What holds for every group.
fn of_everybody(old: &Spec, new: &Spec) -> Found {
    let judging = |differ: bool, what: &str| differ.then(|| (Needs::Judging, what.to_owned()));
    [
        judging(set(&old.protected_paths) != set(&new.protected_paths), "the protected paths"),
        judging(set(&old.shared_scaffold) != set(&new.shared_scaffold), "the shared paths"),
        judging(old.prepare != new.prepare, "what worktrees are prepared with"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn of_row(old: &Group, new: &Group) -> Found {
    let mut found: Found = [
        differs(&old.title, &new.title, Needs::Building, "its title"),
        differs(&old.tasks, &new.tasks, Needs::Building, "its tasks"),
        differs(set(&old.deps), set(&new.deps), Needs::Building, "what it depends on"),
        differs(set(&old.owned_paths), set(&new.owned_paths), Needs::Judging, "its paths"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let checks = |group: &Group| -> BTreeMap<String, Check> {
        group.checks.iter().map(|c| (c.id.clone(), c.clone())).collect()
    };
    let (before, after) = (checks(old), checks(new));
    for (id, check) in &after {
        match before.get(id) {
            None => found.push((Needs::Judging, format!("the check '{id}' is new"))),
            Some(was) if was != check => {
                found.push((Needs::Judging, format!("the check '{id}' changed")));
            }
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|id| !after.contains_key(*id));
    found.extend(gone.map(|id| (Needs::Judging, format!("the check '{id}' is gone"))));
    found
}

/// What the group is told to make.
fn of_features((old, before): (&Spec, &Group), (new, after): (&Spec, &Group)) -> Found {
    let own = |spec: &Spec, group: &Group| -> BTreeMap<String, Feature> {
        let of = |f: &&Feature| f.group == group.id || group.features.contains(&f.id);
        spec.features.iter().filter(of).map(|f| (f.id.clone(), f.clone())).collect()
    };
    let (old, new) = (own(old, before), own(new, after));
    let ids: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = ids.into_iter().filter(|id| old.get(*id) != new.get(*id));
    changed.map(|id| (Needs::Building, format!("the feature '{id}'"))).collect()
}

/// Contracts that the group owns, or that nobody owns and its paths may hold.
fn of_contracts((old, before): (&Spec, &Group), (new, after): (&Spec, &Group)) -> Found {
    let concern = |spec: &Spec, group: &Group| -> BTreeMap<String, Contract> {
        let of = |c: &&Contract| match &c.owner {
            Some(owner) => *owner == group.id,
            None => group.owned_paths.iter().any(|p| may_overlap(p, &c.path)),
        };
        spec.contracts.iter().filter(of).map(|c| (c.path.clone(), c.clone())).collect()
    };
    let (old, new) = (concern(old, before), concern(new, after));
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = paths.into_iter().filter(|path| old.get(*path) != new.get(*path));
    changed.map(|path| (Needs::Judging, format!("the contract '{path}'"))).collect()
}

/// Services that the group's checks talk to, and the seed data in them.
fn of_services(old: &Spec, new: &Spec, before: &Group, after: &Group) -> Found {
    let named: BTreeSet<&str> =
        before.checks.iter().chain(&after.checks).flat_map(Check::named_services).collect();
    if named.is_empty() {
        return Vec::new();
    }
    // One may be started with the address of another: any of them may be talked to.
    let mut found: Found =
        differs(&old.services, &new.services, Needs::Judging, "the services of its checks")
            .into_iter()
            .collect();
    found.extend(differs(&old.fixtures, &new.fixtures, Needs::Judging, "the seed data"));
    found
}

fn set(texts: &[String]) -> BTreeSet<&String> {
    texts.iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spec::sample;

    type Change = (&'static str, Needs, fn(&mut Spec, usize));

    /// Each changes one thing of the group at that index.
    const OF_ONE: [Change; 8] = [
        ("title", Needs::Building, |s, i| s.groups[i].title.push('!')),
        ("tasks", Needs::Building, |s, i| s.groups[i].tasks.push("more".into())),
        ("deps", Needs::Building, |s, i| s.groups[i].deps.push("other".into())),
        ("paths", Needs::Judging, |s, i| s.groups[i].owned_paths.push("more/**".into())),
        ("a check more", Needs::Judging, |s, i| {
            let mut check = s.groups[i].checks[0].clone();
            check.id.push_str("-more");
            s.groups[i].checks.push(check);
        }),
        ("a check less", Needs::Judging, |s, i| {
            s.groups[i].checks.remove(0);
        }),
        ("another check", Needs::Judging, |s, i| s.groups[i].checks[0].timeout_s = Some(7)),
        ("a feature", Needs::Building, |s, i| {
            let id = s.groups[i].id.clone();
            let feature = s.features.iter_mut().find(|f| f.group == id).expect("each has one");
            feature.acceptance.push("more".into());
        }),
    ];

    /// What touches nobody.
    const OF_NOBODY: [fn(&mut Spec); 5] = [
        |s| s.non_goals.push("rocketry".into()),
        |s| s.done_means.clear(),
        |s| s.cross_group_checks.clear(),
        |s| s.groups.reverse(),
        |s| {
            let mut group = s.groups[0].clone();
            group.id = "brand-new".into();
            s.groups.push(group);
        },
    ];

    const OF_ALL: [fn(&mut Spec); 3] = [
        |s| s.protected_paths.push("more/**".into()),
        |s| s.shared_scaffold.push("more.toml".into()),
        |s| s.prepare.clear(),
    ];

    fn each_with_a_feature() -> Spec {
        let mut spec = sample::good();
        for group in &spec.groups {
            if spec.features.iter().all(|f| f.group != group.id) {
                let mut feature = spec.features[0].clone();
                (feature.id, feature.group) = (format!("of-{}", group.id), group.id.clone());
                spec.features.push(feature);
            }
        }
        spec
    }

    #[test]
    fn what_concerns_everybody_needs_judging_and_the_rest_touches_nobody() {
        let old = each_with_a_feature();
        for change in OF_ALL {
            let mut new = old.clone();
            change(&mut new);
            let found = touched(&old, &new);
            assert_eq!(found.len(), old.groups.len());
            assert!(found.values().all(|t| t.needs == Needs::Judging), "{found:?}");
        }
        for (n, change) in OF_NOBODY.iter().enumerate() {
            let mut new = old.clone();
            change(&mut new);
            assert_eq!(touched(&old, &new), BTreeMap::new(), "{n}");
        }
    }

    #[test]
    fn services_touch_those_whose_checks_talk_to_them() {
        let mut old = each_with_a_feature();
        old.groups[1].checks[0].services = vec!["web".into()];
        let mut new = old.clone();
        new.services.push(crate::spec::Service {
            id: "web".into(),
            argv: vec!["serve".into()],
            env: BTreeMap::new(),
            ready: None,
            ready_timeout_s: None,
            data_dir: None,
        });
        let found = touched(&old, &new);
        assert_eq!(found.keys().collect::<Vec<_>>(), [&old.groups[1].id]);
    }

    #[test]
    fn a_contract_touches_its_owner() {
        let mut old = each_with_a_feature();
        old.contracts = vec![Contract {
            path: "api.txt".into(),
            owner: Some(old.groups[0].id.clone()),
            rule: crate::spec::ContractRule::Exact,
            exports: Vec::new(),
            probes: Vec::new(),
        }];
        let mut new = old.clone();
        new.contracts[0].rule = crate::spec::ContractRule::Additive;
        assert_eq!(touched(&old, &new).keys().collect::<Vec<_>>(), [&old.groups[0].id]);
    }

    proptest! {
        /// Whatever is changed in some groups, in whatever order, touches exactly those; and each
        /// needs what the greatest of its changes needs.
        #[test]
        fn exactly_the_changed_groups_are_touched(
            changes in proptest::collection::vec((0..OF_ONE.len(), 0..2usize), 0..6),
            noise in proptest::collection::vec(0..OF_NOBODY.len(), 0..3),
        ) {
            let old = each_with_a_feature();
            prop_assert_eq!(touched(&old, &old), BTreeMap::new());
            let mut new = old.clone();
            let mut wanted: BTreeMap<String, Needs> = BTreeMap::new();
            for (which, group) in changes {
                let (what, needs, change) = OF_ONE[which];
                // A group keeps a check to be changed.
                if what == "a check less" && new.groups[group].checks.len() < 2 { continue }
                change(&mut new, group);
                let most = wanted.entry(new.groups[group].id.clone()).or_insert(needs);
                *most = (*most).max(needs);
            }
            for which in noise {
                OF_NOBODY[which](&mut new);
            }
            let found = touched(&old, &new);
            let needs: BTreeMap<String, Needs> =
                found.iter().map(|(gid, t)| (gid.clone(), t.needs)).collect();
            prop_assert_eq!(needs, wanted);
            prop_assert!(found.values().all(|t| !t.why.is_empty()));
        }

        /// Both ways, the same groups: what is taken back touches whom it touched.
        #[test]
        fn taking_it_back_touches_the_same(which in 0..OF_ONE.len(), group in 0..2usize) {
            let old = each_with_a_feature();
            let mut new = old.clone();
            OF_ONE[which].2(&mut new, group);
            let there: Vec<String> = touched(&old, &new).into_keys().collect();
            let back: Vec<String> = touched(&new, &old).into_keys().collect();
            prop_assert_eq!(there, back);
        }
    }
}
