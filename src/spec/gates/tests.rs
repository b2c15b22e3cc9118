use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::spec::sample;

#[derive(Default)]
struct Tree(BTreeMap<&'static str, &'static str>, BTreeMap<&'static str, &'static str>);

impl BaseTree for Tree {
    fn text(&self, path: &str) -> Option<String> {
        self.0.get(path).map(|t| (*t).to_owned())
    }
    fn link(&self, path: &str) -> Option<String> {
        self.1.get(path).map(|t| (*t).to_owned())
    }
}

fn of(argv: &[&str], tree: &Tree) -> GateInputs {
    let mut spec = sample::good();
    spec.cross_group_checks.clear();
    spec.contracts.clear();
    spec.groups.truncate(1);
    let check = json!({"id": "c", "kind": "repo_test", "argv": argv});
    spec.groups[0].checks = vec![serde_json::from_value(check).expect("a check")];
    GateInputs::new(&spec, &[], tree)
}

#[test]
fn a_command_names_its_files_and_its_tool_names_more() {
    let none = Tree::default();
    for (argv, path, reader) in [
        (&["sh", "tests/check.sh"][..], "tests/check.sh", "the command"),
        (&["sh", "./tests/../tests/check.sh"], "tests/check.sh", "the command"),
        (&["sh", "tests/check.sh"], "Tests/CHECK.sh", "the command"),
        (&["./bin/pytest"], "bin/pytest", "the command"),
        (&["python3", "-m", "pytest"], "a/b/conftest.py", "pytest"),
        (&["python3", "-m", "pytest"], "conftest.py", "pytest"),
        (&["python3", "-m", "pytest"], "Conftest.py", "pytest"),
        (&["pytest"], "_pytest/main.py", "pytest"),
        (&["pytest", "tests/a.py::test_b"], "tests/a.py", "the command"),
        (&["python3", "-m", "unittest"], "sitecustomize.py", "unittest"),
        (&["npx", "jest"], "jest.config.mjs", "jest"),
        (&["npx", "jest"], "node_modules/.bin/jest", "jest"),
        (&["npx", "vitest", "run"], "vitest.config.ts", "vitest"),
        (&["npx", "mocha"], ".mocharc.yml", "mocha"),
        (&["npm", "test"], "package.json", "npm"),
        (&["cargo", "test"], ".cargo/config.toml", "cargo"),
        (&["cargo", "nextest", "run"], ".config/nextest.toml", "cargo"),
        (&["cargo", "test"], "crates/a/build.rs", "cargo"),
        (&["go", "test", "./..."], "go.mod", "go"),
        (&["bundle", "exec", "rspec"], ".rspec", "rspec"),
        (&["rspec"], "spec/spec_helper.rb", "rspec"),
        (&["vendor/bin/phpunit"], "phpunit.xml.dist", "phpunit"),
        (&["make", "test"], "Makefile", "make"),
        (&["make", "test"], "mk/rules.mk", "make"),
        (&["ctest"], "CMakeLists.txt", "ctest"),
        (&["bats", "t"], "t/test_helper.bash", "bats"),
        (&["x"], "a/.gitattributes", "git"),
        (&["sh", "-c", "cd a && pytest -q"], "a/pytest.ini", "pytest"),
    ] {
        let found = of(argv, &none);
        assert_eq!(found.find(path).map(|i| i.reader), Some(reader), "{argv:?} {path}");
    }
    for (argv, path) in [
        (&["sh", "tests/check.sh"][..], "tests/other.sh"),
        (&["sh", "tests/check.sh"], "conftest.py"),
        (&["pytest", "tests"], "tests/test_a.py"),
        (&["/usr/bin/make"], "usr/bin/make"),
        (&["cargo", "test"], "src/lib.rs"),
    ] {
        assert!(of(argv, &none).find(path).is_none(), "{argv:?} {path}");
    }
}

#[test]
fn scripts_and_links_of_the_base_are_followed() {
    let tree = Tree(
        BTreeMap::from([
            ("real/check.sh", "#!/bin/sh\n# make it so\nexec python3 -m pytest -q \"$@\"\n"),
            ("package.json", "{\"scripts\": {\"test\": \"vitest run\"}}"),
        ]),
        BTreeMap::from([("tests", "real"), ("loop", "loop"), ("out", "../../x")]),
    );
    let found = of(&["sh", "tests/check.sh"], &tree);
    assert!(found.find("real/check.sh").is_some() && found.find("tests/check.sh").is_some());
    assert!(found.find("conftest.py").is_some(), "the script calls pytest");
    assert!(found.find("Makefile").is_none(), "a comment calls nothing");
    assert!(of(&["npm", "test"], &tree).find("vitest.config.js").is_some());
    // Neither of them ends nowhere.
    of(&["sh", "loop/x"], &tree);
    of(&["sh", "out/x"], &tree);
}

#[test]
fn a_probe_calls_the_product() {
    let mut spec = sample::good();
    spec.cross_group_checks.clear();
    spec.contracts.clear();
    for group in &mut spec.groups {
        let check = json!({"id": "c", "kind": "cli_probe", "argv": ["./app"], "exit": 1});
        group.checks = vec![serde_json::from_value(check).expect("a check")];
    }
    assert!(GateInputs::new(&spec, &[], &Tree::default()).find("app").is_none());
}

#[test]
fn a_manifest_is_a_gate_where_it_says_how_tests_run() {
    let differs = |argv: &[&str], path: &str, old: Option<&str>, new: Option<&str>| {
        of(argv, &Tree::default()).find(path).expect("a gate").differs(old, new)
    };
    let cargo = "[package]\nname = \"a\"\nversion = \"1.0.0\"\n[dependencies]\nserde = \"1\"\n";
    let more = cargo.replace("1.0.0", "1.1.0") + "log = \"0.4\"\n# x\n";
    let off = format!("{cargo}[lib]\ntest = false\n");
    for (argv, path, old, new, expected) in [
        ("cargo", "Cargo.toml", Some(cargo), Some(&*more), false),
        ("cargo", "Cargo.toml", Some(cargo), Some(&*off), true),
        ("cargo", "Cargo.toml", Some(cargo), None, true),
        ("cargo", "Cargo.toml", None, Some(cargo), false),
        ("cargo", "build.rs", None, Some("fn main() {}"), true),
        ("npm", "package.json", Some("{}"), Some(r#"{"dependencies": {"a": "1"}}"#), false),
        ("npm", "package.json", Some("{}"), Some(r#"{"scripts": {"test": "exit 0"}}"#), true),
        ("npm", "package.json", Some("{}"), Some("{"), true),
        ("pytest", "pyproject.toml", Some(""), Some("[project]\nname = \"a\"\n"), false),
        (
            "pytest",
            "pyproject.toml",
            Some(""),
            Some("[tool.pytest.ini_options]\naddopts = \"--co\"\n"),
            true,
        ),
        ("pytest", "conftest.py", None, Some(""), true),
        ("go", "go.mod", Some("module a\n"), Some("module a\nrequire b v1.0.0\n"), false),
        ("go", "go.mod", Some("module a\n"), Some("module a\nreplace b => ./b\n"), true),
        ("make", "Makefile", None, Some("test:\n"), false),
        ("make", "Makefile", Some("test:\n\tgo\n"), Some("test:\n"), true),
    ] {
        assert_eq!(differs(&[argv], path, old, new), expected, "{path} {old:?} {new:?}");
    }
}

proptest! {
    #[test]
    fn a_file_that_did_not_change_changes_no_gate(text in "(?s).{0,80}", which in 0usize..6) {
        let argv = [["pytest"], ["cargo"], ["npm"], ["go"], ["make"], ["rspec"]][which];
        let gates = of(&argv, &Tree::default());
        for (_, input) in gates.read.iter().filter(|(_, i)| !matches!(i.part, Part::All)) {
            prop_assert!(!input.differs(Some(&text), Some(&text)));
        }
    }
}
