//! The checks themselves: known keys, able to fail, and parseable where they hold expressions.

use minijinja::Environment;
use regex::RegexBuilder;

use super::can_fail::{runs_nothing, vacuous};
use super::{Rules, always, api_probe, browser_journey, kinds, located};
use crate::base::ids::is_group_id;
use crate::base::text::nearest;
use crate::spec::model::{
    BUILT_IN_KINDS, Check, CheckBody, CliProbe, Pytest, StateInvariant, TextExpectation,
};
use crate::spec::problem::{Problem, item, key};
use crate::spec::schema;
use crate::spec::shape::Walk;
use crate::spec::{glob, placeholders};

pub(super) fn run(rules: &mut Rules) {
    for at in located(rules.spec) {
        common(rules, &at.path, at.check);
        if kind(rules, &at.path, at.check) {
            body(rules, &at.path, at.check);
        }
    }
}

fn common(rules: &mut Rules, path: &str, check: &Check) {
    if check.timeout_s == Some(0) {
        rules.say(key(path, "timeout_s"), "must be more than 0");
    }
    for name in check.env.keys() {
        if name.is_empty() || name.contains(['=', '\0']) {
            rules.say(key(&key(path, "env"), name), "is not the name of a variable");
        }
    }
    let known = || rules.spec.services.iter().map(|s| s.id.as_str());
    let mut unknown = Vec::new();
    let asked = check.params.get("service").and_then(|s| s.as_str());
    let asked = asked.filter(|_| BUILT_IN_KINDS.contains(&check.kind.as_str()));
    let places = asked.map(|id| (key(path, "service"), id)).into_iter();
    let list = key(path, "services");
    let beside = check.services.iter().enumerate().map(|(i, id)| (item(&list, i), id.as_str()));
    for (at, id) in places.chain(beside) {
        if !known().any(|k| k == id) {
            let message = format!("unknown service '{}'; see 'services'", id.escape_debug());
            unknown.push(Problem::new(at, message).nearest(nearest(id, known())));
        }
    }
    let beside = check.named_services();
    for id in check.words().flat_map(placeholders::services) {
        if !beside.contains(&id) {
            let message = format!("refers to '{id}', which is not in its 'services'");
            unknown.push(Problem::new(path, message).nearest(nearest(id, beside.iter().copied())));
        }
    }
    for problem in unknown {
        rules.report_given(&["services[].id"], problem);
    }
    for (name, text) in &check.env {
        if text.contains('\0') {
            rules.say(key(&key(path, "env"), name), "contains a NUL character");
        }
    }
    for (i, entry) in check.evidence.iter().enumerate() {
        if let Some(fault) = glob::fault(entry) {
            rules.say(item(&key(path, "evidence"), i), fault);
        }
    }
}

/// Whether the kind is one whose keys can be judged.
fn kind(rules: &mut Rules, path: &str, check: &Check) -> bool {
    let at = key(path, "kind");
    if let Some(meant) = check.misspelt_kind() {
        let message = format!("unknown kind '{}'", check.kind.escape_debug());
        rules.report(Problem::new(at, message).nearest(Some(meant)));
        return false;
    }
    if !is_group_id(&check.kind) {
        let message = format!(
            "'{}' is neither a built-in kind ({}) nor the name of an otto-check program",
            check.kind.escape_debug(),
            BUILT_IN_KINDS.join(", ")
        );
        rules.say(at, message);
        return false;
    }
    let Some(own) = schema::of_kind(&check.kind) else { return true };
    let mut walk = Walk::default();
    walk.params(own, &check.params, schema::common_check_keys(), path);
    for problem in walk.problems {
        rules.report(problem);
    }
    rules.doubt.extend(walk.doubt);
    true
}

fn body(rules: &mut Rules, path: &str, check: &Check) {
    // Keys that do not parse were reported as faults of shape.
    let Ok(body) = check.body() else { return };
    match body {
        CheckBody::RepoTest(test) => {
            argv(rules, path, &test.argv);
            if let Some(why) = runs_nothing(&test.argv) {
                rules.say(key(path, "argv"), why);
            }
        }
        CheckBody::Pytest(pytest) => selector(rules, path, &pytest),
        CheckBody::CliProbe(probe) => cli_probe(rules, path, check, &probe),
        CheckBody::StateInvariant(invariant) => state_invariant(rules, path, &invariant),
        CheckBody::ApiProbe(probe) => api_probe::run(rules, path, &probe),
        CheckBody::BrowserJourney(journey) => {
            browser_journey::run(rules, path, check, &journey);
            if !journey.argv.is_empty() {
                argv(rules, path, &journey.argv);
            }
        }
        CheckBody::ImportCheck(import) => kinds::import_check(rules, path, &import),
        CheckBody::TypeCheck(types) => kinds::type_check(rules, path, &types),
        CheckBody::Metric(metric) => kinds::metric(rules, path, &metric),
        CheckBody::External { kind: _ } => {}
    }
}

fn argv(rules: &mut Rules, path: &str, argv: &[String]) {
    if let Some(why) = vacuous(argv) {
        rules.say(key(path, "argv"), why);
    }
}

fn selector(rules: &mut Rules, path: &str, pytest: &Pytest) {
    let select = key(path, "select");
    if pytest.select.is_empty() {
        rules.say(&select, "is empty; it selects no test");
    }
    for (i, each) in pytest.select.iter().enumerate() {
        if each.trim().is_empty() {
            rules.say(item(&select, i), "is empty; it selects no test");
        }
    }
    if !pytest.runner.is_empty()
        && let Some(why) = vacuous(&pytest.runner)
    {
        rules.say(key(path, "runner"), why);
    }
}

fn cli_probe(rules: &mut Rules, path: &str, check: &Check, probe: &CliProbe) {
    argv(rules, path, &probe.argv);
    let says_exit = check.params.contains_key("exit");
    if !says_exit && probe.stdout.is_empty() && probe.stderr.is_empty() {
        rules.say(path, "expects nothing; name 'exit', 'stdout' or 'stderr'");
    }
    expectation(rules, &key(path, "stdout"), &probe.stdout);
    expectation(rules, &key(path, "stderr"), &probe.stderr);
}

pub(super) fn expectation(rules: &mut Rules, path: &str, expected: &TextExpectation) {
    for (name, texts) in
        [("contains", &expected.contains), ("not_contains", &expected.not_contains)]
    {
        for (i, text) in texts.iter().enumerate() {
            if text.is_empty() {
                rules.say(item(&key(path, name), i), "is empty; every text contains it");
            }
        }
    }
    let Some(pattern) = &expected.matches else { return };
    let at = key(path, "matches");
    match RegexBuilder::new(pattern).multi_line(true).build() {
        Ok(_) if pattern.is_empty() => rules.say(at, "is empty; every text matches it"),
        Ok(_) => {}
        Err(e) => {
            let text = e.to_string();
            let why = text.lines().last().unwrap_or(&text).trim_start_matches("error: ");
            rules.say(at, format!("is not a regular expression: {why}"));
        }
    }
}

/// What minijinja knows without being told.
const FUNCTIONS: [&str; 4] = ["range", "dict", "namespace", "debug"];

fn state_invariant(rules: &mut Rules, path: &str, invariant: &StateInvariant) {
    let files = key(path, "files");
    for (name, file) in &invariant.files {
        if name == "probes" {
            rules.say(key(&files, name), "'probes' stands for the replies of probes already");
        }
        if let Some(fault) = glob::path_fault(file) {
            rules.say(key(&files, name), fault);
        }
    }
    let at = key(path, "expr");
    if invariant.expr.trim().is_empty() {
        rules.say(at, "is empty");
        return;
    }
    let environment = Environment::empty();
    let expression = match environment.compile_expression(&invariant.expr) {
        Ok(expression) => expression,
        Err(e) => {
            let why = e.detail().map_or_else(|| e.kind().to_string(), str::to_owned);
            rules.say(at, format!("is not an expression: {why}"));
            return;
        }
    };
    let mut names: Vec<String> = expression.undeclared_variables(false).into_iter().collect();
    names.retain(|name| !FUNCTIONS.contains(&name.as_str()));
    names.sort_unstable();
    if names.is_empty() {
        rules.say(at, "looks at no file and no probe, so that nothing can make it fail");
        return;
    }
    let known = || invariant.files.keys().map(String::as_str).chain(["probes"]);
    for name in names.iter().filter(|name| !known().any(|k| k == name.as_str())) {
        let problem = Problem::new(&at, format!("unknown name '{name}'; see 'files'"))
            .nearest(nearest(name, known()));
        rules.report(problem);
    }
    let nested: Vec<String> = expression.undeclared_variables(true).into_iter().collect();
    if names.iter().all(|name| known().any(|k| k == name.as_str())) {
        let files: Vec<(&str, bool)> = invariant
            .files
            .iter()
            .map(|(name, path)| (name.as_str(), path.ends_with(".json")))
            .collect();
        let asked: Vec<&str> =
            nested.iter().filter_map(|n| n.strip_prefix("probes.")?.split('.').next()).collect();
        if always::holds(&invariant.expr, &files, &asked) {
            rules.say(&at, "is true whatever the files hold; compare what is in them");
        }
    }
    probes(rules, &at, nested);
}

/// `probes.<check id>` names a check of this spec.
fn probes(rules: &mut Rules, at: &str, nested: impl IntoIterator<Item = String>) {
    let checks = located(rules.spec);
    let mut ids: Vec<String> = nested
        .into_iter()
        .filter_map(|name| name.strip_prefix("probes.")?.split('.').next().map(str::to_owned))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        if !checks.iter().any(|c| c.check.id == id) {
            let known = checks.iter().map(|c| c.check.id.as_str());
            let problem = Problem::new(at, format!("unknown check '{id}' in 'probes.{id}'"))
                .nearest(nearest(&id, known));
            let rests_on =
                ["groups[].checks[].id", "cross_group_checks[].id", "contracts[].probes[].id"];
            rules.report_given(&rests_on, problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::{problems, sample};
    use serde_json::{Value, json};

    /// The problems of the sample with `check` as the first check of its second group.
    fn of(check: Value) -> Vec<String> {
        let mut spec = sample::good();
        let mut check = check;
        check["id"] = json!("greets");
        check["features"] = json!(["login"]);
        spec.groups[1].checks[0] = serde_json::from_value(check).expect("the shape of a check");
        let found = problems(&spec);
        let start = "groups[1].checks[0]";
        found.iter().map(|p| p.to_string().replace(start, "").replacen(".", "", 1)).collect()
    }

    #[test]
    fn a_check_that_cannot_fail_is_refused() {
        for (check, wanted) in [
            (json!({"kind": "repo_test", "argv": []}), "argv: is empty"),
            (json!({"kind": "repo_test", "argv": ["true"]}), "argv: 'true' cannot fail"),
            (json!({"kind": "pytest", "select": []}), "select: is empty"),
            (json!({"kind": "pytest", "select": [" "]}), "select[0]: is empty"),
            (json!({"kind": "state_invariant", "expr": ""}), "expr: is empty"),
            (json!({"kind": "state_invariant", "expr": "true"}), "expr: looks at no file"),
            (json!({"kind": "state_invariant", "expr": "1 + 1 == 2"}), "expr: looks at no file"),
            (json!({"kind": "cli_probe", "argv": ["./x"]}), ": expects nothing"),
            (
                json!({"kind": "cli_probe", "argv": ["./x"], "stdout": {"contains": [""]}}),
                "stdout.contains[0]: is empty",
            ),
        ] {
            let found = of(check.clone());
            assert_eq!(found.len(), 1, "{check}: {found:?}");
            assert!(found[0].starts_with(wanted), "{check}: {found:?}");
        }
    }

    #[test]
    fn kinds_and_their_keys_are_known() {
        let found = of(json!({"kind": "repo_test", "argv": ["x"], "count": "exit"}));
        assert_eq!(found, ["count: unknown key 'count' (did you mean 'counts'?)"]);
        let found = of(json!({"kind": "repo_test", "argv": ["x"], "counts": "exti"}));
        assert!(found[0].ends_with("(did you mean 'exit'?)"), "{found:?}");
        let found = of(json!({"kind": "repo_test", "argv": "make test"}));
        assert_eq!(found, ["argv: expected an array, found a string"]);
        let found = of(json!({"kind": "pytst", "select": ["x"]}));
        assert_eq!(found, ["kind: unknown kind 'pytst' (did you mean 'pytest'?)"]);
        assert_eq!(of(json!({"kind": "screen_tour", "anything": {"goes": 1}})), [""; 0]);
        assert!(of(json!({"kind": "../x"}))[0].starts_with("kind: "));
    }

    #[test]
    fn expressions_parse_and_their_names_exist() {
        let found = of(json!({"kind": "state_invariant", "expr": "a +", "files": {"a": "a"}}));
        assert!(found[0].starts_with("expr: is not an expression: "), "{found:?}");
        let expr = "dbb.x == probes.storeunit.exit";
        let found = of(json!({"kind": "state_invariant", "expr": expr, "files": {"db": "/x"}}));
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[1].ends_with("unknown name 'dbb'; see 'files' (did you mean 'db'?)"));
        assert!(found[2].ends_with("(did you mean 'store-unit'?)"), "{found:?}");
        let found = of(json!({"kind": "cli_probe", "argv": ["x"], "stderr": {"matches": "("}}));
        assert!(found[0].starts_with("stderr.matches: is not a regular"), "{found:?}");
    }

    #[test]
    fn limits_and_environment_make_sense() {
        let check = json!({
            "kind": "repo_test", "argv": ["x"], "timeout_s": 0, "env": {"A=B": "c"},
            "evidence": ["/tmp/x"],
        });
        let found = of(check);
        assert_eq!(found.len(), 3, "{found:?}");
    }
}
