//! Paths and who owns them: globs are well-formed, and no two groups own the same file.

use super::Rules;
use crate::spec::glob::{self, Entry};
use crate::spec::problem::{Problem, item, key};

pub(super) fn run(rules: &mut Rules) {
    let spec = rules.spec;
    for (i, group) in spec.groups.iter().enumerate() {
        let path = key(&item("groups", i), "owned_paths");
        if group.owned_paths.is_empty() {
            rules.say(&path, "is empty; a group owns the paths that it writes");
        }
        globs(rules, &path, &group.owned_paths);
    }
    globs(rules, "shared_scaffold", &spec.shared_scaffold);
    globs(rules, "protected_paths", &spec.protected_paths);
    for (i, contract) in spec.contracts.iter().enumerate() {
        if let Some(fault) = glob::fault(&contract.path) {
            rules.say(key(&item("contracts", i), "path"), fault);
        }
    }
    for (i, prepare) in spec.prepare.iter().enumerate() {
        for (name, entries) in [("inputs", &prepare.inputs), ("outputs", &prepare.outputs)] {
            globs(rules, &key(&item("prepare", i), name), entries);
        }
    }
    ownership(rules);
}

fn globs(rules: &mut Rules, path: &str, entries: &[String]) {
    for (i, entry) in entries.iter().enumerate() {
        if let Some(fault) = glob::fault(entry) {
            rules.say(item(path, i), fault);
        }
    }
}

/// Well-formed entries; the others were reported.
fn entries(list: &[String]) -> Vec<Entry> {
    list.iter().filter(|e| glob::fault(e).is_none()).map(|e| Entry::new(e)).collect()
}

fn ownership(rules: &mut Rules) {
    let spec = rules.spec;
    let contracts: Vec<String> = spec.contracts.iter().map(|c| c.path.clone()).collect();
    let shared: Vec<Entry> =
        entries(&spec.shared_scaffold).into_iter().chain(entries(&contracts)).collect();
    let protected = entries(&spec.protected_paths);
    let owned: Vec<(usize, usize, Entry)> = spec
        .groups
        .iter()
        .enumerate()
        .flat_map(|(g, group)| {
            let list = group.owned_paths.iter().enumerate();
            list.filter(|(_, e)| glob::fault(e).is_none()).map(move |(i, e)| (g, i, Entry::new(e)))
        })
        .collect();
    let place = |g: usize, i: usize| item(&key(&item("groups", g), "owned_paths"), i);
    for (n, (g, i, entry)) in owned.iter().enumerate() {
        if let Some(by) = protected.iter().find(|p| p.may_overlap(entry)) {
            let message = format!(
                "'{}' is protected by '{}'; no group may write it",
                entry.text(),
                by.text()
            );
            rules.report(Problem::new(place(*g, *i), message));
        }
        for (other, k, theirs) in &owned[..n] {
            let exempt = || shared.iter().any(|s| s.covers(entry) || s.covers(theirs));
            if other != g && theirs.may_overlap(entry) && !exempt() {
                let owner = spec.groups[*other].id.escape_debug();
                let message = format!(
                    "'{}' may be the same file as '{}' of group '{owner}' ({}); one of them owns \
                     it, or it is shared_scaffold or a contract",
                    entry.text(),
                    theirs.text(),
                    place(*other, *k)
                );
                let rests_on = ["shared_scaffold", "contracts[].path"];
                rules.report_given(&rests_on, Problem::new(place(*g, *i), message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::{Spec, problems, sample};

    fn found(change: impl FnOnce(&mut Spec)) -> Vec<String> {
        let mut spec = sample::good();
        change(&mut spec);
        problems(&spec).iter().map(|p| p.path.clone()).collect()
    }

    #[test]
    fn two_groups_never_own_the_same_file() {
        let own = |entry: &str| {
            let entry = entry.to_owned();
            move |s: &mut Spec| s.groups[1].owned_paths.push(entry)
        };
        assert_eq!(found(own("src/store/api.rs")), ["groups[1].owned_paths[1]"]);
        assert_eq!(found(own("src")), ["groups[1].owned_paths[1]"]);
        // Both entries of `store`, and the protected `.ci/**`.
        assert_eq!(found(own("**/test_*.py")), ["groups[1].owned_paths[1]"; 3]);
        assert_eq!(found(own("src/stores/**")), [""; 0]);
    }

    #[test]
    fn scaffold_and_contracts_may_be_shared() {
        let both = |s: &mut Spec| {
            for group in &mut s.groups {
                group.owned_paths.push("Makefile".to_owned());
                group.owned_paths.push("src/api.py".to_owned());
            }
        };
        assert_eq!(found(both), [""; 0]);
    }

    #[test]
    fn protected_and_malformed_paths_are_refused() {
        let set = |entry: &str| {
            let entry = entry.to_owned();
            move |s: &mut Spec| s.groups[0].owned_paths = vec![entry]
        };
        for bad in [
            "",
            "/abs",
            "a/../b",
            "./a",
            "a//b",
            ".git",
            "x/.git/hooks",
            "a\nb",
            "[a",
            "{a",
            "a\\b",
            "LICENSE",
            ".ci/x",
        ] {
            assert_eq!(found(set(bad)), ["groups[0].owned_paths[0]"], "{bad}");
        }
        assert_eq!(found(|s| s.groups[0].owned_paths.clear()), ["groups[0].owned_paths"]);
    }

    #[test]
    fn a_thousand_groups_are_judged_quickly() {
        let mut spec = sample::good();
        let template = spec.groups.remove(0);
        for i in 0..1000 {
            let mut group = template.clone();
            group.id = format!("g{i}");
            group.owned_paths = vec![format!("src/g{i}/**"), format!("tests/test_g{i}_*.py")];
            spec.groups.push(group);
        }
        let started = std::time::Instant::now();
        let overlaps = problems(&spec).iter().filter(|p| p.path.contains("owned_paths")).count();
        assert_eq!(overlaps, 0);
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    }
}
