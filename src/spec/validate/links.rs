//! References between features, groups, checks and contracts.

use std::collections::HashSet;

use super::{Rules, located};
use crate::base::text::nearest;
use crate::spec::model::{ContractRule, Purpose};
use crate::spec::order::cycles;
use crate::spec::problem::{Problem, item, key};

pub(super) fn run(rules: &mut Rules) {
    dependencies(rules);
    features_and_groups(rules);
    evidence(rules);
    contracts(rules);
}

impl Rules<'_> {
    fn group(&mut self, path: String, id: &str) {
        let known = self.spec.groups.iter().map(|g| g.id.as_str());
        if self.spec.group(id).is_none() {
            let problem = Problem::new(path, format!("unknown group '{}'", id.escape_debug()))
                .nearest(nearest(id, known));
            self.report_given(&["groups[].id"], problem);
        }
    }

    fn feature(&mut self, path: String, id: &str) {
        let known = self.spec.features.iter().map(|f| f.id.as_str());
        if self.spec.feature(id).is_none() {
            let problem = Problem::new(path, format!("unknown feature '{}'", id.escape_debug()))
                .nearest(nearest(id, known));
            self.report_given(&["features[].id"], problem);
        }
    }

    /// Each of a list of references once.
    fn once(&mut self, path: &str, ids: &[String]) {
        let mut seen = HashSet::new();
        for (i, id) in ids.iter().enumerate() {
            if !seen.insert(id) {
                self.say(item(path, i), format!("'{}' is listed twice", id.escape_debug()));
            }
        }
    }
}

fn dependencies(rules: &mut Rules) {
    let spec = rules.spec;
    for (i, group) in spec.groups.iter().enumerate() {
        let path = key(&item("groups", i), "deps");
        rules.once(&path, &group.deps);
        for (d, dep) in group.deps.iter().enumerate() {
            if *dep == group.id {
                rules.say(item(&path, d), format!("group '{dep}' depends on itself"));
            } else {
                rules.group(item(&path, d), dep);
            }
        }
    }
    for cycle in cycles(spec) {
        let at = spec.groups.iter().position(|g| g.id == cycle[0]).unwrap_or(0);
        let path = key(&item("groups", at), "deps");
        // A group that depends on itself was named above.
        if cycle.len() > 2 {
            let problem =
                Problem::new(path, format!("groups wait for each other: {}", cycle.join(" → ")));
            rules.report_given(&["groups[].id", "groups[].deps"], problem);
        }
    }
}

fn features_and_groups(rules: &mut Rules) {
    let spec = rules.spec;
    for (i, feature) in spec.features.iter().enumerate() {
        rules.group(key(&item("features", i), "group"), &feature.group);
    }
    for (i, group) in spec.groups.iter().enumerate() {
        let path = key(&item("groups", i), "features");
        rules.once(&path, &group.features);
        for (f, id) in group.features.iter().enumerate() {
            rules.feature(item(&path, f), id);
            let elsewhere = spec.feature(id).filter(|f| f.group != group.id);
            // A group that does not exist was named at the feature.
            if let Some(feature) = elsewhere.filter(|f| spec.group(&f.group).is_some()) {
                let message =
                    format!("feature '{id}' says that group '{}' builds it", feature.group);
                let problem = Problem::new(item(&path, f), message);
                rules.report_given(&["groups[].id", "features[].group"], problem);
            }
        }
        for feature in spec.features.iter().filter(|f| f.group == group.id) {
            if !group.features.contains(&feature.id) {
                let message = format!(
                    "feature '{}' names this group, which does not list it",
                    feature.id.escape_debug()
                );
                let problem = Problem::new(&path, message);
                rules.report_given(&["features[].id", "features[].group"], problem);
            }
        }
    }
}

/// Which check is evidence for which feature.
fn evidence(rules: &mut Rules) {
    let spec = rules.spec;
    let mut proven = HashSet::new();
    for at in located(spec) {
        let path = key(&at.path, "features");
        rules.once(&path, &at.check.features);
        for (i, id) in at.check.features.iter().enumerate() {
            rules.feature(item(&path, i), id);
        }
        if at.check.purpose == Purpose::Acceptance {
            proven.extend(at.check.features.iter().map(String::as_str));
        }
    }
    for (i, feature) in spec.features.iter().enumerate() {
        if !proven.contains(feature.id.as_str()) {
            let message = format!(
                "no acceptance check lists feature '{}' in its 'features'",
                feature.id.escape_debug()
            );
            let rests_on = [
                "features[].id",
                "groups[].checks[].features",
                "groups[].checks[].purpose",
                "cross_group_checks[].features",
                "cross_group_checks[].purpose",
                "contracts[].probes[].features",
            ];
            rules.report_given(&rests_on, Problem::new(item("features", i), message));
        }
    }
    for (i, group) in spec.groups.iter().enumerate() {
        if group.checks.is_empty() {
            let path = key(&item("groups", i), "checks");
            rules.say(path, "is empty; a group has at least one check that can fail");
        }
    }
}

fn contracts(rules: &mut Rules) {
    let spec = rules.spec;
    let mut seen = HashSet::new();
    for (i, contract) in spec.contracts.iter().enumerate() {
        let path = item("contracts", i);
        match &contract.owner {
            Some(owner) => rules.group(key(&path, "owner"), owner),
            None if contract.rule == ContractRule::Additive => {
                let problem =
                    Problem::new(key(&path, "owner"), "an additive contract names its owner");
                rules.report_given(&["contracts[].rule"], problem);
            }
            None => {}
        }
        if !seen.insert(&contract.path) {
            let message = format!("'{}' has a contract already", contract.path.escape_debug());
            rules.say(key(&path, "path"), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::{Spec, problems, sample};

    fn found(change: impl FnOnce(&mut Spec)) -> Vec<String> {
        let mut spec = sample::good();
        change(&mut spec);
        problems(&spec).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_sample_breaks_no_rule() {
        assert_eq!(found(|_| {}), Vec::<String>::new());
        for seed in 0..200 {
            let spec = sample::odd(seed);
            assert_eq!(problems(&spec), Vec::new(), "seed {seed}: {}", spec.to_json());
        }
    }

    #[test]
    fn dependencies_exist_and_lead_nowhere_back() {
        let cycle = found(|s| s.groups[0].deps = vec!["login".into()]);
        assert_eq!(cycle, ["groups[0].deps: groups wait for each other: store → login → store"]);
        let own = found(|s| s.groups[0].deps = vec!["store".into()]);
        assert_eq!(own, ["groups[0].deps[0]: group 'store' depends on itself"]);
        let slip = found(|s| s.groups[1].deps = vec!["stroe".into()]);
        assert_eq!(slip, ["groups[1].deps[0]: unknown group 'stroe' (did you mean 'store'?)"]);
    }

    #[test]
    fn features_and_groups_agree_both_ways() {
        let missing = found(|s| s.groups[0].features.clear());
        assert_eq!(
            missing,
            ["groups[0].features: feature 'listing' names this group, which does not list it"]
        );
        let both = found(|s| s.groups[1].features.push("listing".into()));
        assert_eq!(
            both,
            ["groups[1].features[1]: feature 'listing' says that group 'store' builds it"]
        );
    }

    #[test]
    fn every_feature_has_an_acceptance_check() {
        let wanted = ["features[0]: no acceptance check lists feature 'listing' in its 'features'"];
        assert_eq!(found(|s| s.groups[0].checks[0].features.clear()), wanted);
        let regression = |s: &mut Spec| {
            s.groups[0].checks[0].purpose = crate::spec::Purpose::Regression;
        };
        assert_eq!(found(regression), wanted);
    }

    #[test]
    fn contracts_name_groups_that_exist() {
        let unowned = found(|s| s.contracts[0].owner = None);
        assert_eq!(unowned, ["contracts[0].owner: an additive contract names its owner"]);
        let ghost = found(|s| s.contracts[0].owner = Some("ghost".into()));
        assert_eq!(ghost, ["contracts[0].owner: unknown group 'ghost'"]);
        let twice = found(|s| s.contracts.push(s.contracts[0].clone()));
        assert_eq!(twice, ["contracts[1].path: 'src/api.py' has a contract already"]);
    }
}
