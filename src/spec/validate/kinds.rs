//! The keys of `import_check`, `type_check` and `metric`.

use regex::Regex;

use super::Rules;
use super::can_fail::{runs_nothing, vacuous};
use crate::spec::glob;
use crate::spec::import_check::{ImportCheck, Language, Load};
use crate::spec::metric::{Goal, Metric};
use crate::spec::problem::{item, key};
use crate::spec::type_check::TypeCheck;

/// More of either is a slip of the pen.
const MOST_RUNS: u32 = 1000;

/// The command must run something.
fn command(rules: &mut Rules, path: &str, argv: &[String]) {
    if let Some(why) = vacuous(argv) {
        rules.say(key(path, "argv"), why);
    } else if let Some(why) = runs_nothing(argv) {
        rules.say(key(path, "argv"), why);
    }
}

pub(super) fn import_check(rules: &mut Rules, path: &str, import: &ImportCheck) {
    let (dots, others): (&str, &str) = match import.language {
        Language::Python => (".", "_"),
        Language::Cargo => ("::", "_-"),
        Language::Node | Language::Go => ("/", "_-.@~"),
    };
    let named = |text: &str, dots: &str, others: &str| {
        text.split(dots).all(|part| {
            !part.is_empty()
                && part != ".."
                && part != "."
                && part.chars().all(|c| c.is_alphanumeric() || others.contains(c))
        })
    };
    if !named(&import.package, dots, others) {
        let shown = import.package.escape_debug();
        rules.say(key(path, "package"), format!("'{shown}' is not the name of a package"));
    }
    if let Some(folder) = &import.path
        && folder != "."
        && let Some(fault) = glob::path_fault(folder.strip_suffix('/').unwrap_or(folder))
    {
        rules.say(key(path, "path"), fault);
    }
    let dots = if import.language == Language::Cargo { "::" } else { "." };
    let nested = matches!(import.language, Language::Python | Language::Cargo);
    for (i, name) in import.names.iter().enumerate() {
        let fits = named(name, dots, "_$") && (nested || !name.contains('.'));
        if !fits {
            let shown = name.escape_debug();
            rules.say(
                item(&key(path, "names"), i),
                format!("'{shown}' is not the name of an export"),
            );
        }
    }
    if let Some(version) = &import.version {
        if import.language == Language::Go {
            rules.say(
                key(path, "version"),
                "a module of Go has its version from its tag, not its tree",
            );
        } else if !version.starts_with(|c: char| c.is_ascii_digit())
            || version.contains(char::is_whitespace)
        {
            rules.say(
                key(path, "version"),
                "names one version, such as 1.2.0; ranges are not compared",
            );
        }
    }
    if import.load != Load::Import && import.language != Language::Node {
        rules.say(key(path, "load"), "only packages of node are loaded in more than one way");
    }
    if !import.runner.is_empty()
        && let Some(why) = vacuous(&import.runner)
    {
        rules.say(key(path, "runner"), why);
    }
}

pub(super) fn type_check(rules: &mut Rules, path: &str, types: &TypeCheck) {
    command(rules, path, &types.argv);
    if types.checker().is_none() {
        rules.say(
            key(path, "checker"),
            "the command does not say whose report it prints; name tsc, mypy, pyright, cargo or go",
        );
    }
    if types.files == 0 {
        rules.say(
            key(path, "files"),
            "must be more than 0: a checker that looks at nothing finds nothing",
        );
    }
}

pub(super) fn metric(rules: &mut Rules, path: &str, metric: &Metric) {
    command(rules, path, &metric.argv);
    if let Err(why) = metric.goal.parse::<Goal>() {
        rules.say(key(path, "goal"), why);
    }
    if metric.json.is_some() && metric.pattern.is_some() {
        rules.say(
            key(path, "pattern"),
            "the number is found by 'json' or by 'pattern', not by both",
        );
    }
    if let Some(way) = &metric.json
        && way.split('.').any(|part| part.trim().is_empty())
    {
        rules.say(key(path, "json"), "is a way such as 'latency.p95'");
    }
    if let Some(pattern) = &metric.pattern {
        match Regex::new(pattern) {
            Ok(regex) if regex.captures_len() != 2 => {
                rules.say(key(path, "pattern"), "must have exactly one group, which is the number");
            }
            Ok(_) => {}
            Err(e) => {
                let text = e.to_string();
                let why = text.lines().last().unwrap_or(&text).trim_start_matches("error: ");
                rules.say(key(path, "pattern"), format!("is not a regular expression: {why}"));
            }
        }
    }
    if let Some(unit) = &metric.unit {
        if unit.trim().is_empty() || unit.contains(char::is_whitespace) {
            rules.say(key(path, "unit"), "is one word, such as ms");
        }
        if metric.json.is_some() || metric.pattern.is_some() {
            rules.say(
                key(path, "unit"),
                "is read from a line 'name: 12 ms', not with 'json' or 'pattern'",
            );
        }
    }
    if metric.repetitions == 0 {
        rules.say(key(path, "repetitions"), "must be more than 0");
    }
    for (name, runs) in [("repetitions", metric.repetitions), ("warmup", metric.warmup)] {
        if runs > MOST_RUNS {
            rules.say(key(path, name), format!("must not be more than {MOST_RUNS}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::{problems, sample};
    use serde_json::{Value, json};

    fn of(mut check: Value) -> Vec<String> {
        let mut spec = sample::good();
        check["id"] = json!("greets");
        check["features"] = json!(["login"]);
        spec.groups[1].checks[0] = serde_json::from_value(check).expect("the shape of a check");
        spec.groups[1].checks.truncate(1);
        let start = "groups[1].checks[0].";
        problems(&spec).iter().map(|p| p.to_string().replace(start, "")).collect()
    }

    #[test]
    fn good_ones_are_accepted() {
        for check in [
            json!({"kind": "import_check", "language": "python", "package": "shop.stock", "path": "src"}),
            json!({"kind": "import_check", "language": "node", "package": "@acme/shop", "load": "both",
                   "names": ["$load"], "version": "1.2.0"}),
            json!({"kind": "import_check", "language": "cargo", "package": "acme-shop", "names": ["a::B"]}),
            json!({"kind": "import_check", "language": "go", "package": "acme.dev/shop/v2", "path": "."}),
            json!({"kind": "type_check", "argv": ["npx", "tsc", "--noEmit"]}),
            json!({"kind": "type_check", "argv": ["make", "types"], "checker": "mypy", "files": 3}),
            json!({"kind": "metric", "argv": ["./bench"], "goal": "p95_ms < 100", "unit": "ms",
                   "warmup": 1, "repetitions": 5, "statistic": "p95"}),
            json!({"kind": "metric", "argv": ["./bench"], "goal": "x >= 1", "json": "a.0.b"}),
        ] {
            assert_eq!(of(check.clone()), [""; 0], "{check}");
        }
    }

    #[test]
    fn bad_ones_are_refused() {
        let import = |more: Value| {
            let mut check =
                json!({"kind": "import_check", "language": "python", "package": "shop"});
            check
                .as_object_mut()
                .expect("an object")
                .extend(more.as_object().cloned().expect("more"));
            check
        };
        let metric = |more: Value| {
            let mut check = json!({"kind": "metric", "argv": ["./b"], "goal": "x < 1"});
            check
                .as_object_mut()
                .expect("an object")
                .extend(more.as_object().cloned().expect("more"));
            check
        };
        for (check, wanted) in [
            (import(json!({"package": "../shop"})), "package: "),
            (import(json!({"package": "shop; import os"})), "package: "),
            (import(json!({"path": "../x"})), "path: "),
            (import(json!({"names": ["a b"]})), "names[0]: "),
            (import(json!({"version": ">=1"})), "version: names one"),
            (import(json!({"load": "both"})), "load: "),
            (import(json!({"language": "go", "version": "1.0.0"})), "version: a module"),
            (import(json!({"runner": ["true"]})), "runner: "),
            (json!({"kind": "type_check", "argv": ["make", "types"]}), "checker: "),
            (
                json!({"kind": "type_check", "argv": ["sh", "-c", "tsc || true"], "checker": "tsc"}),
                "argv: ",
            ),
            (json!({"kind": "type_check", "argv": ["tsc"], "files": 0}), "files: "),
            (metric(json!({"goal": "fast"})), "goal: "),
            (metric(json!({"argv": ["cat", "result.txt"]})), "argv: 'cat' shows a file"),
            (metric(json!({"json": "a", "pattern": "(x)"})), "pattern: the number"),
            (metric(json!({"pattern": "x"})), "pattern: must have"),
            (metric(json!({"pattern": "("})), "pattern: is not"),
            (metric(json!({"json": "a..b"})), "json: "),
            (metric(json!({"unit": "ms s"})), "unit: "),
            (metric(json!({"repetitions": 0})), "repetitions: "),
            (metric(json!({"warmup": 2000})), "warmup: "),
        ] {
            let found = of(check.clone());
            assert_eq!(found.len(), 1, "{check}: {found:?}");
            assert!(found[0].starts_with(wanted), "{check}: {found:?}");
        }
    }
}
