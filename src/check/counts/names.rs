//! Names of failed tests, for the reports that tell them: pytest, unittest, `cargo test`,
//! cargo-nextest, `go test`, TAP, JUnit XML. They say which failure is whose; no verdict rests on them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::{clean, junit};

/// A form, and what it must not hold.
static FORMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // pytest's short summary.
        r"^(?:FAILED|ERROR) (\S+\.py(?:::.+?)?)(?: - .*)?$",
        // unittest.
        r"^(?:FAIL|ERROR): (\w+ \([\w.]+\))$",
        r"^test (.+?)(?: - should panic)? \.\.\. FAILED$",
        // nextest: `        FAIL [   0.004s] (1/3) crate tests::name`.
        r"^ +FAIL \[ *[\d.]+s\](?: \([^)]*\))? +(\S+ \S+)$",
        r"^\s*--- FAIL: (\S+) \([\d.]+s\)$",
        r"^not ok +\d+(?: - | )?(.+)$",
    ]
    .into_iter()
    .map(|form| Regex::new(form).expect("because it is a constant"))
    .collect()
});
static EXPECTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:^|[^\\])# ?(?:skip|todo)").expect("because it is a constant")
});

/// Of all reports in an output.
pub fn failed_names(output: &str) -> BTreeSet<String> {
    let text = clean::text(output);
    let (cases, rest) = junit::failed_cases(&text);
    let mut names: BTreeSet<String> = cases.into_iter().collect();
    for line in rest.lines() {
        if let Some(name) = go_event(line) {
            names.insert(name);
            continue;
        }
        let line = line.trim_end();
        if line.starts_with("not ok") && EXPECTED.is_match(line) {
            continue;
        }
        let found = FORMS.iter().find_map(|form| form.captures(line)?.get(1));
        names.extend(found.map(|name| name.as_str().trim().to_owned()));
    }
    names
}

/// `go test -json`.
fn go_event(line: &str) -> Option<String> {
    if !line.starts_with('{') {
        return None;
    }
    let event: serde_json::Value = serde_json::from_str(line).ok()?;
    let test = event["Test"].as_str().filter(|_| event["Action"] == "fail")?;
    Some(format!("{} {test}", event["Package"].as_str().unwrap_or_default()).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_names_its_failures() {
        for (output, wanted) in [
            (
                "FAILED tests/test_a.py::test_x[a b] - assert 1 == 2\nERROR tests/test_b.py\nPASSED x\n",
                &["tests/test_a.py::test_x[a b]", "tests/test_b.py"][..],
            ),
            (
                "FAIL: test_a (pkg.T.test_a)\nERROR: test_b (pkg.T)\n",
                &["test_a (pkg.T.test_a)", "test_b (pkg.T)"],
            ),
            (
                "test tests::good ... ok\ntest tests::bad ... FAILED\ntest src/lib.rs - f (line 3) ... FAILED\n",
                &["src/lib.rs - f (line 3)", "tests::bad"],
            ),
            ("        FAIL [   0.004s] (1/3) shop tests::bad\n", &["shop tests::bad"]),
            ("--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\n", &["TestA", "TestA/b"]),
            (
                "{\"Action\":\"fail\",\"Package\":\"p\",\"Test\":\"TestA\"}\n{\"Action\":\"fail\",\"Package\":\"p\"}\n",
                &["p TestA"],
            ),
            ("1..3\nok 1 - a\nnot ok 2 - b is b\nnot ok 3 - c # TODO later\n", &["b is b"]),
            (
                "<testsuite tests=\"2\"><testcase classname=\"m\" name=\"a\"/><testcase classname=\"m\" name=\"b\"><failure>x</failure></testcase></testsuite>\n",
                &["m b"],
            ),
            ("all tests passed\nFAILED to connect\n", &[]),
        ] {
            let found: Vec<String> = failed_names(output).into_iter().collect();
            assert_eq!(found, wanted, "{output}");
        }
    }
}
