//! Checks that stand beside a spec: somebody who judges asks for them. They are held to the rules of
//! the spec's own, and to one more: a check that can never pass shows nothing when it fails.

use serde_json::{Value, json};

use super::model::{Check, CheckBody, CliProbe, Spec, TextExpectation};
use super::parse::parse_value;
use super::problem::{Problem, item, key};
use super::validate::always_fails;

/// Kinds that ask the product something. What counts tests is the project's own to say.
pub const PROBE_KINDS: [&str; 4] = ["cli_probe", "api_probe", "browser_journey", "state_invariant"];

/// Reads checks as if they stood in the spec, as regression checks. Problems have the path
/// `probes[n]…`.
pub fn checks_beside(spec: &Spec, asked: &[Value]) -> Result<Vec<Check>, Vec<Problem>> {
    let mut document = serde_json::to_value(spec).expect("because a spec is plain data");
    let first = spec.cross_group_checks.len();
    let mut list = document["cross_group_checks"].as_array().cloned().unwrap_or_default();
    list.extend(asked.iter().cloned().map(|mut check| {
        if let Some(map) = check.as_object_mut() {
            map.insert("purpose".into(), json!("regression"));
        }
        check
    }));
    let beside = list[first..].to_vec();
    document["cross_group_checks"] = list.into();
    let mut problems = match parse_value(document) {
        Ok(_) => Vec::new(),
        Err(found) => {
            found.into_iter().filter_map(|p| renamed(p, first, asked.len())).collect::<Vec<_>>()
        }
    };
    let mut checks = Vec::new();
    for (n, value) in beside.into_iter().enumerate() {
        match serde_json::from_value::<Check>(value) {
            Ok(check) => {
                problems.extend(of_probe(&check, &item("probes", n)));
                checks.push(check);
            }
            Err(e) if problems.is_empty() => {
                problems.push(Problem::new(item("probes", n), e.to_string()));
            }
            Err(_) => {}
        }
    }
    if problems.is_empty() { Ok(checks) } else { Err(problems) }
}

/// A problem of one of the checks beside; others are the spec's own.
fn renamed(problem: Problem, first: usize, count: usize) -> Option<Problem> {
    (0..count).find_map(|n| {
        let rest = problem.path.strip_prefix(&item("cross_group_checks", first + n))?;
        Some(Problem { path: format!("{}{rest}", item("probes", n)), ..problem.clone() })
    })
}

fn of_probe(check: &Check, path: &str) -> Vec<Problem> {
    let mut out = Vec::new();
    if !PROBE_KINDS.contains(&check.kind.as_str()) {
        let known = PROBE_KINDS.join(", ");
        let text = format!("'{}' is no kind of probe: {known}", check.kind.escape_debug());
        out.push(Problem::new(key(path, "kind"), text));
    }
    if let Some(why) = cannot_pass(check) {
        out.push(Problem::new(path, format!("can never pass, so that it shows nothing: {why}")));
    }
    out
}

/// Why a check fails on whatever it is run, or `None` where that is not plain to see.
pub fn cannot_pass(check: &Check) -> Option<String> {
    let Ok(CheckBody::CliProbe(CliProbe { argv, exit, stdout, stderr, .. })) = check.body() else {
        return None;
    };
    let failing = if exit == 0 { always_fails(&argv) } else { None };
    failing
        .or_else(|| contradiction("stdout", &stdout))
        .or_else(|| contradiction("stderr", &stderr))
}

/// What no text can hold.
fn contradiction(name: &str, wanted: &TextExpectation) -> Option<String> {
    let refused =
        |text: &str| wanted.not_contains.iter().find(|n| text.contains(n.as_str())).cloned();
    if let Some(whole) = &wanted.equals {
        if let Some(part) = wanted.contains.iter().find(|part| !whole.contains(part.as_str())) {
            return Some(format!("{name} cannot equal '{whole}' and contain '{part}'"));
        }
        if let Some(part) = refused(whole) {
            return Some(format!("{name} cannot equal '{whole}' and not contain '{part}'"));
        }
    }
    wanted.contains.iter().find_map(|part| {
        let not = refused(part)?;
        Some(format!("{name} cannot contain '{part}' and not '{not}'"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::sample;

    fn of(check: Value) -> Vec<String> {
        let found = checks_beside(&sample::good(), &[check]);
        found.err().into_iter().flatten().map(|p| p.to_string()).collect()
    }

    #[test]
    fn a_probe_is_held_to_the_rules_of_the_spec() {
        let good = json!({"id": "probe-x", "kind": "cli_probe", "argv": ["./shop", "list"],
                          "features": ["listing"], "exit": 0});
        assert_eq!(of(good.clone()), [""; 0]);
        let read = checks_beside(&sample::good(), &[good]).expect("valid");
        assert_eq!(read[0].purpose, crate::spec::Purpose::Regression);
        for (wrong, said) in [
            (json!({"id": "p", "kind": "cli_probe", "argv": ["x"]}), "probes[0]: expects nothing"),
            (
                json!({"id": "p", "kind": "cli_probe", "argv": ["x"], "exit": 0, "exti": 1}),
                "probes[0].exti: unknown key",
            ),
            (
                json!({"id": "p", "kind": "cli_probe", "argv": ["x"], "exit": 0, "features": ["loggin"]}),
                "probes[0].features[0]: ",
            ),
            (
                json!({"id": "greets", "kind": "cli_probe", "argv": ["x"], "exit": 0}),
                "probes[0].id: ",
            ),
            (json!({"id": "p", "kind": "repo_test", "argv": ["make"]}), "probes[0].kind: "),
            (json!({"kind": "cli_probe", "argv": ["x"], "exit": 0}), "probes[0].id: "),
            (json!(3), "probes[0]: "),
        ] {
            let found = of(wrong.clone());
            assert!(found.iter().any(|p| p.starts_with(said)), "{wrong}: {found:?}");
        }
    }

    #[test]
    fn a_probe_that_can_never_pass_is_refused() {
        for argv in [
            json!(["false"]),
            json!(["sh", "-c", "exit 1"]),
            json!(["sh", "-c", "cat app.py; exit 3"]),
            json!(["sh", "-c", "./app add 1 && false"]),
            json!(["env", "A=b", "bash", "-c", "ls\nfalse\n"]),
        ] {
            let probe = json!({"id": "p", "kind": "cli_probe", "argv": argv, "exit": 0});
            assert!(of(probe.clone())[0].contains("can never pass"), "{probe}");
        }
        for argv in [
            json!(["sh", "-c", "./app add 1 || exit 1"]),
            json!(["sh", "-c", "if ./app; then exit 1; fi"]),
            json!(["grep", "-q", "x", "app.py"]),
        ] {
            let probe = json!({"id": "p", "kind": "cli_probe", "argv": argv, "exit": 0});
            assert_eq!(of(probe), [""; 0]);
        }
        for stdout in [
            json!({"equals": "a", "contains": ["b"]}),
            json!({"equals": "ab", "not_contains": ["b"]}),
            json!({"contains": ["abc"], "not_contains": ["b"]}),
        ] {
            let probe = json!({"id": "p", "kind": "cli_probe", "argv": ["./a"], "stdout": stdout});
            assert!(of(probe.clone())[0].contains("can never pass"), "{probe}");
        }
    }
}
