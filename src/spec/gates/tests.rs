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
    of_kind(json!({"kind": "repo_test", "argv": argv}), tree)
}

fn measured(argv: &[&str], tree: &Tree) -> GateInputs {
    of_kind(json!({"kind": "metric", "argv": argv, "goal": "p95 < 100"}), tree)
}

fn of_kind(check: serde_json::Value, tree: &Tree) -> GateInputs {
    let mut spec = sample::good();
    spec.cross_group_checks.clear();
    spec.contracts.clear();
    spec.groups.truncate(1);
    let mut check = check;
    check["id"] = json!("c");
    spec.groups[0].checks = vec![serde_json::from_value(check).expect("a check")];
    GateInputs::new(&spec, &[], tree)
}

/// Whether a builder that owns nothing by name may not make this change.
fn changes(gates: &GateInputs, path: &str, old: Option<&str>, new: Option<&str>) -> bool {
    gates.find(path).any(|input| input.differs(old, new))
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
        assert_eq!(found.find(path).next().map(|i| i.reader), Some(reader), "{argv:?} {path}");
    }
    for (argv, path) in [
        (&["sh", "tests/check.sh"][..], "tests/other.sh"),
        (&["sh", "tests/check.sh"], "conftest.py"),
        (&["pytest", "tests"], "tests/test_a.py"),
        (&["/usr/bin/make"], "usr/bin/make"),
        (&["cargo", "test"], "src/lib.rs"),
    ] {
        assert!(of(argv, &none).find(path).next().is_none(), "{argv:?} {path}");
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
    let is_gate = |path| found.find(path).next().is_some();
    assert!(is_gate("real/check.sh") && is_gate("tests/check.sh"));
    assert!(is_gate("conftest.py"), "the script calls pytest");
    assert!(!is_gate("Makefile"), "a comment calls nothing");
    assert!(of(&["npm", "test"], &tree).find("vitest.config.js").next().is_some());
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
    assert!(GateInputs::new(&spec, &[], &Tree::default()).find("app").next().is_none());
}

#[test]
fn a_manifest_is_a_gate_where_it_says_how_tests_run() {
    let differs = |argv: &[&str], path: &str, old: Option<&str>, new: Option<&str>| {
        let gates = of(argv, &Tree::default());
        assert!(gates.find(path).next().is_some(), "{path} is a gate");
        changes(&gates, path, old, new)
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

/// Each is a way to name a file of the base, which its builder changes.
#[test]
fn a_file_is_named_in_whatever_form() {
    let none = Tree::default();
    for (argv, path) in [
        (&["sh", "-c", "sh tests/run.sh x"][..], "tests/run.sh"),
        (&["bash", "-ec", "true;sh tests/run.sh"], "tests/run.sh"),
        (&["bash", "-lc", "cd tests && sh ./run.sh"], "tests/run.sh"),
        (&["bash", "-c", "cd a; cd b; sh run.sh"], "a/b/run.sh"),
        (&["sh", "-c", "sh 'my tests/run.sh'"], "my tests/run.sh"),
        (&["sh", "-c", "sh tests/\"run\".sh"], "tests/run.sh"),
        (&["sh", "-c", "T=tests/run.sh; sh $T"], "tests/run.sh"),
        (&["sh", "-c", "D=tests; sh \"${D}/run.sh\""], "tests/run.sh"),
        (&["sh", "-c", "sh \"$(pwd)/tests/run.sh\""], "tests/run.sh"),
        (&["sh", "-c", "sh $PWD/tests/run.sh"], "tests/run.sh"),
        (&["sh", "-c", "sh -c 'sh tests/run.sh'"], "tests/run.sh"),
        (&["sh", "-c", "for t in tests/*.sh; do sh $t; done"], "tests/run.sh"),
        (&["sh", "my tests/run.sh"], "my tests/run.sh"),
        (&["env", "A=1", "sh", "tests/run.sh"], "tests/run.sh"),
        (&["env", "-C", "tests", "sh", "run.sh"], "tests/run.sh"),
        (&["env", "NODE_OPTIONS=-r ./x.js", "node"], "x.js"),
        (&["python3", "-m", "tests.run"], "tests/run.py"),
        (&["python3", "-m", "tests.run"], "tests/__init__.py"),
        (&["python3", "-m", "tests.run"], "tests/run/__main__.py"),
        (&["python3", "-mtests.run"], "tests/run.py"),
        (&["python3", "-Im", "tests.run"], "tests/run.py"),
        (&["sh", "-c", "python3 -m tests.run"], "tests/run.py"),
        (&["env", "PYTHONPATH=tests", "python3", "-m", "run"], "tests/run.py"),
        (&["python3", "-m", "unittest", "tests.test_a.TestA.test_b"], "tests/test_a.py"),
        (&["python3", "tests"], "tests/__main__.py"),
        (&["node", "tests"], "tests/index.js"),
        (&["node", "-r", "./setup", "x.js"], "setup.js"),
        (&["node", "--require=./setup", "x.js"], "setup.js"),
        (&["go", "run", "./tests"], "tests/main.go"),
        (&["bin/mypy", "--config-file=conf/mypy.ini", "."], "conf/mypy.ini"),
        (&["pytest", "-cconf/x.ini"], "conf/x.ini"),
        (&["rspec", "spec/a_spec.rb:12"], "spec/a_spec.rb"),
        (&["mypy", "@files.txt"], "files.txt"),
    ] {
        assert!(changes(&of(argv, &none), path, Some("a"), Some("b")), "{argv:?} {path}");
    }
}

#[test]
fn what_no_base_has_is_the_builders() {
    let none = Tree::default();
    for argv in [
        &["sh", "-c", "echo hello world; test -f g1/work && exit 0"][..],
        &["sh", "-c", "cd g1 && sh tests/run.sh work"],
        &["cargo", "test"],
        &["npm", "test"],
        &["python3", "-m", "pytest"],
        &["python3", "-m", "pytest", "-m", "work", "tests"],
        &["python3", "-m", "unittest"],
        &["python3", "-m", "unittest", "tests.run", "-v"],
    ] {
        for path in ["work", "g1/work", "tests/run.sh", "tests/run.py", "hello", "src/app.js"] {
            assert!(!changes(&of(argv, &none), path, None, Some("b")), "{argv:?} {path}");
        }
    }
    // Nor does a product that is only used by an inline test define it.
    let inline = of(&["python3", "-c", "import app; assert app.run() == 1"], &none);
    assert!(!changes(&inline, "app.py", Some("a"), Some("b")));
}

#[test]
fn what_prints_a_number_is_a_gate_also_where_it_is_new() {
    let none = Tree::default();
    let package = Tree(
        BTreeMap::from([
            ("package.json", "{\"scripts\": {\"bench:cold\": \"node perf/run.js\"}}"),
            ("Makefile", "all: app.c\n\tcc app.c\nbench: all\n\t@sh perf/run.sh\n"),
        ]),
        BTreeMap::new(),
    );
    let scripts = r#"{"scripts": {"bench": "echo p95: 1"}}"#;
    for (tree, argv, path, new) in [
        (&none, &["sh", "-c", "python3 bench/look.py --n 10"][..], "bench/look.py", "x"),
        (&none, &["python3", "-m", "bench.look"], "bench/look.py", "x"),
        (&none, &["npm", "run", "bench"], "package.json", scripts),
        (&none, &["sh", "-c", "npm run -s bench | tail -1"], "package.json", scripts),
        (&none, &["make", "bench"], "Makefile", "bench:\n"),
        (&none, &["cargo", "bench"], "benches/a.rs", "x"),
        (&none, &["cargo", "bench"], "Cargo.toml", "[package]\n"),
        (&none, &["cargo", "run", "-q"], "src/main.rs", "x"),
        (&none, &["cargo", "run", "--bin", "bench"], "a/src/bin/bench/main.rs", "x"),
        (&none, &["go", "test", "-bench=."], "look/look_test.go", "x"),
        (&package, &["npm", "run", "bench:cold"], "perf/run.js", "x"),
        (&package, &["make", "bench"], "perf/run.sh", "x"),
    ] {
        assert!(changes(&measured(argv, tree), path, None, Some(new)), "{argv:?} {path}");
    }
    for (tree, argv, path, new) in [
        (&none, &["npm", "run", "bench"][..], "package.json", r#"{"dependencies": {"a": "1"}}"#),
        (&none, &["sh", "-c", "cargo build && python3 bench/run.py"], "Cargo.toml", "[package]"),
        (&none, &["python3", "bench/look.py"], "g1/lookup.py", "x"),
        (&package, &["make", "bench"], "app.c", "x"),
    ] {
        assert!(!changes(&measured(argv, tree), path, None, Some(new)), "{argv:?} {path}");
    }
    // A test of the same tool, or of the same file, makes that no weaker.
    let mut spec = sample::good();
    spec.cross_group_checks.clear();
    spec.contracts.clear();
    spec.groups.truncate(1);
    let argv = json!(["npm", "run", "bench.js"]);
    let checks = json!([
        {"id": "a", "kind": "repo_test", "argv": argv},
        {"id": "b", "kind": "metric", "argv": argv, "goal": "p95 < 1"},
    ]);
    spec.groups[0].checks = serde_json::from_value(checks).expect("checks");
    let gates = GateInputs::new(&spec, &[], &none);
    assert!(changes(&gates, "package.json", None, Some(scripts)));
    assert!(changes(&gates, "bench.js", None, Some("x")));
}

#[test]
fn a_line_that_npm_starts_names_what_it_runs_and_not_what_it_builds() {
    let scripts = r#"{"scripts": {"pretest": "npm run build", "build": "esbuild src/a.ts",
        "test": "node tests/run.js"}}"#;
    let tree = Tree(BTreeMap::from([("package.json", scripts)]), BTreeMap::new());
    let gates = of(&["npm", "test"], &tree);
    assert!(changes(&gates, "tests/run.js", Some("a"), Some("b")));
    assert!(!changes(&gates, "src/a.ts", Some("a"), Some("b")));
    assert!(!changes(&gates, "tests/run.js", None, Some("b")));
}

#[test]
fn every_pattern_of_the_table_is_one() {
    for tool in TOOLS.iter().chain([&EVERY]).chain(MEASURED.iter().map(|(_, tool)| tool)) {
        for (pattern, ..) in tool.files {
            assert!(globset::Glob::new(pattern).is_ok(), "{pattern}");
        }
    }
}

#[test]
fn new_settings_of_a_type_checker_are_a_gate() {
    let types =
        |argv: &[&str]| of_kind(json!({"kind": "type_check", "argv": argv}), &Tree::default());
    let mypy = types(&["bin/mypy", "--config-file=conf/mypy.ini", "src/app.py"]);
    assert!(changes(&mypy, "conf/mypy.ini", None, Some("[mypy]\nignore_errors = True\n")));
    assert!(!changes(&mypy, "src/app.py", None, Some("x = 1\n")));
    assert!(!changes(&types(&["tsc", "-p", "tsconfig.json"]), "tsconfig.json", None, Some("{}")));
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
