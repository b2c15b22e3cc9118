//! `import_check`, `type_check` and `metric` with the real languages: what the corpus of false greens
//! cannot hold (compiled bytes, a toolchain in the person's home), and what is kept as evidence.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::{Sandbox, Shape, write};

/// A project with a session, and checks run by hand at its commit.
struct Bench {
    s: Sandbox,
}

impl Bench {
    fn new() -> Self {
        let s = Sandbox::project();
        let plain = s.at("plain.json");
        write(&plain, &Shape::of(1).text());
        s.run(0, &["compile", "--from-spec", &plain.to_string_lossy()]);
        Self { s }
    }

    /// The outcome of a check on what lies in the project now.
    fn check(&self, mut check: Value) -> Value {
        self.s.git(&["add", "--all"]);
        self.s.git(&["commit", "--quiet", "--allow-empty", "--message", "as it is now"]);
        check["id"] = json!("asked");
        check["features"] = json!(["f-g1"]);
        let spec = self.s.spec(&Shape::of(1).with(|spec| spec["groups"][0]["checks"][0] = check));
        let mut command = self.s.command(&["check", "--spec", &spec, "--at", "HEAD"]);
        // Where rustup keeps its toolchains.
        for (name, folder) in [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")] {
            let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(folder));
            if let Some(place) = std::env::var_os(name).map(PathBuf::from).or(home) {
                command.env(name, place);
            }
        }
        let output = command.output().expect("otto starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines = text.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
        let outcome = lines.map(|l| l["outcome"].clone()).find(Value::is_object);
        outcome.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
    }

    /// The evidence of an outcome, in order.
    fn evidence(&self, outcome: &Value) -> Vec<String> {
        let names = outcome["evidence"].as_array().expect("evidence").iter();
        let session = self.s.session_dir();
        names
            .map(|name| {
                let name = name.as_str().expect("a hash").trim_start_matches("sha256:");
                std::fs::read_to_string(session.join("evidence").join(name)).expect("text")
            })
            .collect()
    }
}

fn is_red(outcome: &Value, reason: &str, part: &str) {
    let detail = outcome["detail"].as_str().unwrap_or_default();
    assert!(outcome["reason"] == reason && detail.contains(part), "{reason}: {outcome}");
}

fn passed(outcome: &Value) {
    assert_eq!(outcome["outcome"], "passed", "{outcome}");
}

#[test]
fn a_python_package_is_imported_from_its_source_and_nothing_else() {
    let b = Bench::new();
    let asked = json!({"kind": "import_check", "language": "python", "package": "shop.stock",
                       "path": "src", "names": ["load", "Shelf.full"]});
    b.s.write("src/shop/__init__.py", "");
    b.s.write("src/shop/stock.py", "class Shelf:\n    full = 3\ndef load():\n    return 1\n");
    passed(&b.check(asked.clone()));
    // Bytes without their source, in the place where they would be taken.
    let path = b.s.project.join("src/shop");
    let compile = format!(
        "import py_compile; py_compile.compile({0:?}, cfile={1:?}, doraise=True)",
        path.join("stock.py"),
        path.join("stock.pyc")
    );
    run("python3", &["-c", &compile], &path);
    std::fs::remove_file(path.join("stock.py")).expect("removed");
    is_red(&b.check(asked.clone()), "expectation", "no source");
    std::fs::remove_file(path.join("stock.pyc")).expect("removed");
    // Bytes that say that nobody need compare them with their source, which has no `load` any more.
    b.s.write("src/shop/stock.py", "def load():\n    return 1\nclass Shelf:\n    full = 3\n");
    let unchecked = format!(
        "import py_compile; py_compile.compile({:?}, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)",
        path.join("stock.py"),
    );
    run("python3", &["-c", &unchecked], &path);
    b.s.write("src/shop/stock.py", "class Shelf:\n    full = 3\n");
    b.s.git(&["add", "--all", "--force"]);
    is_red(&b.check(asked.clone()), "expectation", "it has no load");
    // A syntax error is said with its place.
    b.s.write("src/shop/stock.py", "def load(:\n");
    is_red(&b.check(asked), "expectation", "SyntaxError");
    let missing = json!({"kind": "import_check", "language": "python", "package": "shop",
                         "path": "src", "runner": ["python-that-nobody-has"]});
    is_red(&b.check(missing), "missing_tool", "python-that-nobody-has");
}

fn run(program: &str, args: &[&str], dir: &Path) {
    let done = std::process::Command::new(program).args(args).current_dir(dir).output();
    let done = done.expect("it starts");
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn a_node_package_is_loaded_as_it_is_declared() {
    let b = Bench::new();
    let asked = |load: &str| {
        json!({"kind": "import_check", "language": "node", "package": "shop", "load": load,
               "path": "packages/shop", "names": ["load"], "version": "2.0.0"})
    };
    let at = |name: &str| format!("packages/shop/{name}");
    b.s.write(
        &at("package.json"),
        r#"{"name": "shop", "version": "2.0.0", "exports": {"import": "./a.mjs", "require": "./a.cjs"}}"#,
    );
    b.s.write(&at("a.mjs"), "export const load = () => 1;\n");
    b.s.write(&at("a.cjs"), "exports.load = () => 1;\n");
    // What lies in the tree's own node_modules is somebody else's.
    b.s.write("node_modules/shop/index.js", "exports.other = 1;\n");
    for load in ["import", "require", "both"] {
        passed(&b.check(asked(load)));
    }
    b.s.write(&at("a.cjs"), "process.exit(0)\n");
    passed(&b.check(asked("import")));
    is_red(&b.check(asked("both")), "expectation", "ended the program");
    b.s.write(&at("a.mjs"), "export const lead = () => 1;\n");
    is_red(&b.check(asked("import")), "expectation", "it has no load");
    b.s.write(
        &at("package.json"),
        r#"{"name": "shop", "version": "2.0.1", "exports": "./gone.mjs"}"#,
    );
    is_red(&b.check(asked("import")), "expectation", "ERR_MODULE_NOT_FOUND");
    b.s.write(&at("package.json"), r#"{"name": "shopping", "exports": "./a.mjs"}"#);
    is_red(&b.check(asked("import")), "expectation", "shopping");
}

#[test]
fn a_crate_is_used_as_a_dependency() {
    let b = Bench::new();
    let asked = |names: &[&str], version: &str| {
        json!({"kind": "import_check", "language": "cargo", "package": "acme-shop",
               "names": names, "version": version})
    };
    let manifest = "[package]\nname = \"acme-shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    b.s.write("Cargo.toml", manifest);
    b.s.write("src/main.rs", "fn main() {}\n");
    // A crate without a library is only warned about by cargo.
    is_red(&b.check(asked(&[], "0.1.0")), "expectation", "asked");
    b.s.write("src/lib.rs", "pub mod stock { pub struct Shelf; pub fn load() {} fn own() {} }\n");
    passed(&b.check(asked(&["stock::Shelf", "stock::load"], "0.1.0")));
    is_red(&b.check(asked(&["stock::own"], "0.1.0")), "expectation", "private");
    is_red(&b.check(asked(&["stock::gone"], "0.1.0")), "expectation", "stock::gone");
    is_red(&b.check(asked(&[], "0.2.0")), "expectation", "failed to select a version");
    b.s.write("src/lib.rs", "pub fn load() -> u8 { \"x\" }\n");
    is_red(&b.check(asked(&[], "0.1.0")), "expectation", "mismatched types");
    // The same crate under cargo's own type check.
    let types = json!({"kind": "type_check", "argv": ["cargo", "check", "--offline"]});
    is_red(&b.check(types.clone()), "check_failed", "cargo: 1 error");
    b.s.write("src/lib.rs", "pub fn load() -> u8 { 1 }\n");
    let outcome = b.check(types);
    passed(&outcome);
    assert_eq!(outcome["tests"]["run"], 1, "{outcome}");
}

#[test]
fn every_sample_of_a_metric_is_kept() {
    let b = Bench::new();
    let asked = json!({"kind": "metric", "argv": ["sh", "bench.sh"], "goal": "p95 < 100",
                       "unit": "ms", "warmup": 1, "repetitions": 3});
    b.s.write("bench.sh", "echo run >>runs; n=$(wc -l <runs)\necho \"p95: $((n * 30)) ms\"\n");
    let outcome = b.check(asked.clone());
    passed(&outcome);
    assert_eq!(outcome["detail"], "p95 is 90 ms (median of 3); the goal is p95 < 100");
    let evidence = b.evidence(&outcome);
    assert_eq!(evidence.len(), 2);
    assert_eq!(evidence[0].matches("$ sh bench.sh").count(), 4, "{}", evidence[0]);
    let record: Value = serde_json::from_str(&evidence[1]).expect("JSON");
    assert_eq!(record["evidence"], "metric");
    assert_eq!((&record["value"], &record["warmup"][0]["value"]), (&json!(90.0), &json!(30.0)));
    let values: Vec<&Value> =
        record["samples"].as_array().expect("samples").iter().map(|s| &s["value"]).collect();
    assert_eq!(values, [&json!(60.0), &json!(90.0), &json!(120.0)]);
    // A run that hangs takes the time of all.
    b.s.write("bench.sh", "echo p95: 1 ms; exec sleep 60\n");
    let mut hung = asked;
    hung["timeout_s"] = json!(1);
    is_red(&b.check(hung), "timeout", "");
}
