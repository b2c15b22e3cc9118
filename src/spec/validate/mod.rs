//! The rules of a spec, beyond its shape. Pure: a spec in, every broken rule out.

mod always;
mod api_probe;
mod basics;
mod bland;
mod browser_journey;
mod can_fail;
mod checks;
mod kinds;
mod links;
mod paths;

use super::doubt::Doubt;
use super::model::{Check, Spec};
use super::problem::{Problem, item, key};

pub(super) use basics::breaks_line;
pub(super) use can_fail::always_fails;

/// Every rule that `spec` breaks, with its path. Empty for a spec that may be approved.
pub fn problems(spec: &Spec) -> Vec<Problem> {
    run(spec, Doubt::default())
}

/// As [`problems`], for what could be read of a document; what is in doubt is not judged.
pub(super) fn run(spec: &Spec, doubt: Doubt) -> Vec<Problem> {
    let mut rules = Rules { spec, doubt, found: Vec::new() };
    // First, because an unknown key in a check puts in doubt what it was meant to be.
    checks::run(&mut rules);
    let of_checks = std::mem::take(&mut rules.found);
    basics::run(&mut rules);
    links::run(&mut rules);
    paths::run(&mut rules);
    rules.found.extend(of_checks);
    rules.found
}

/// One run of the rules.
struct Rules<'a> {
    spec: &'a Spec,
    doubt: Doubt,
    found: Vec<Problem>,
}

impl Rules<'_> {
    fn say(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.report(Problem::new(path, message));
    }

    fn report(&mut self, problem: Problem) {
        if !self.doubt.hides(&problem.path) {
            self.found.push(problem);
        }
    }

    /// Reports unless something that the finding rests on is in doubt (paths without indices).
    fn report_given(&mut self, rests_on: &[&str], problem: Problem) {
        if !rests_on.iter().any(|what| self.doubt.about(what)) {
            self.report(problem);
        }
    }
}

/// A check and where it stands.
struct Located<'a> {
    path: String,
    check: &'a Check,
}

/// Every check of the spec, those of groups first.
fn located(spec: &Spec) -> Vec<Located<'_>> {
    let mut lists = Vec::new();
    for (i, group) in spec.groups.iter().enumerate() {
        lists.push((key(&item("groups", i), "checks"), &group.checks));
    }
    lists.push(("cross_group_checks".to_owned(), &spec.cross_group_checks));
    for (i, contract) in spec.contracts.iter().enumerate() {
        lists.push((key(&item("contracts", i), "probes"), &contract.probes));
    }
    lists
        .into_iter()
        .flat_map(|(parent, checks)| {
            checks
                .iter()
                .enumerate()
                .map(move |(i, check)| Located { path: item(&parent, i), check })
        })
        .collect()
}
