//! The corpus of false greens: every entry of `tests/false-green` is a trick that makes bad work
//! look good. Each must end red, at the place and for the reason that its `case.json` names, and
//! its honest version must pass: so that it is the trick that is red.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::harness::{Matrix, Sandbox, Shape, write};
use crate::journeys::can_browse;

/// One `case.json`; see `tests/false-green/README.md`.
#[derive(Debug)]
struct Case {
    trick: String,
    place: String,
    reason: String,
    setup: Setup,
    /// What the honest version has instead.
    honest: Setup,
}

impl Case {
    fn parse(text: &str) -> serde_json::Result<Self> {
        let mut all: Map<String, Value> = serde_json::from_str(text)?;
        let mut take = |key: &str| all.remove(key).unwrap_or_default();
        let (trick, place, reason) = (take("trick"), take("where"), take("reason"));
        let honest = match take("honest") {
            Value::Null => Setup::default(),
            given => serde_json::from_value(given)?,
        };
        Ok(Self {
            trick: serde_json::from_value(trick)?,
            place: serde_json::from_value(place)?,
            reason: serde_json::from_value(reason)?,
            setup: serde_json::from_value(Value::Object(all))?,
            honest,
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Setup {
    /// Keys of the group's check.
    check: Option<Map<String, Value>>,
    /// Further checks, run after it.
    more: Option<Vec<Value>>,
    owns: Option<Vec<String>>,
    protected: Option<Vec<String>>,
    prepare: Option<Value>,
    /// Further keys of the spec: `services`, `fixtures`, ….
    spec: Option<Map<String, Value>>,
    groups: Option<usize>,
    env: Option<BTreeMap<String, String>>,
    /// A stand-in for a test tool, `tools/<name>`: real output of the tool, and an exit code.
    tool: Option<(String, String, i32)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Version {
    Trick,
    Honest,
}

impl Version {
    fn name(self) -> &'static str {
        if self == Version::Trick { "trick" } else { "honest" }
    }
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/false-green")
}

fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// Copies the files below `from` into the project. What starts with `#!` can be executed.
fn lay(from: &Path, to: &Path) {
    let Ok(entries) = std::fs::read_dir(from) else { return };
    for entry in entries.flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            lay(&source, &target);
            continue;
        }
        let text = read(&source).expect("text");
        write(&target, &text);
        if text.starts_with("#!") {
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(&target, mode).expect("mode");
        }
    }
}

/// One version of an entry, ready to run.
struct Run {
    sandbox: Sandbox,
    /// The commit before anything of the entry.
    start: String,
    has_session: bool,
    spec: String,
    env: BTreeMap<String, String>,
    place: String,
}

impl Run {
    fn new(dir: &Path, case: &Case, version: Version) -> Self {
        let sandbox = Sandbox::project();
        let config = sandbox.read("otto.yaml") + "attempts: 1\nmerge_attempts: 0\n";
        sandbox.write("otto.yaml", &config);
        let start = sandbox.commit("one attempt");
        Self::lay(sandbox, start, dir, case, version)
    }

    /// The other version; for checks by hand in the same session.
    fn becomes(self, dir: &Path, case: &Case, version: Version) -> Self {
        if self.place != "check" {
            return Self::new(dir, case, version);
        }
        self.sandbox.git(&["reset", "--quiet", "--hard", &self.start]);
        self.sandbox.git(&["clean", "-ffdxq", "--exclude=otto_logs"]);
        Self { has_session: true, ..Self::lay(self.sandbox, self.start, dir, case, version) }
    }

    fn lay(s: Sandbox, start: String, dir: &Path, case: &Case, version: Version) -> Self {
        let (own, fall) = match version {
            Version::Trick => (&case.setup, &case.setup),
            Version::Honest => (&case.honest, &case.setup),
        };
        lay(&dir.join("base"), &s.project);
        lay(&dir.join(version.name()), &s.project);
        if let Some((name, output, exit)) = own.tool.as_ref().or(fall.tool.as_ref()) {
            let path = corpus().join("../fixtures/counts").join(format!("{output}.txt"));
            let text = read(&path).unwrap_or_else(|| panic!("{}", path.display()));
            s.write("tools/output.txt", &text);
            let script = format!("#!/bin/sh\ncat tools/output.txt\nexit {exit}\n");
            s.script(&s.project.join("tools").join(name), &script);
        }
        s.git(&["add", "--all"]);
        s.git(&["commit", "--quiet", "--allow-empty", "--message", "the project"]);
        if let Some(agent) = read(&dir.join(format!("{}.sh", version.name()))) {
            s.agent(&agent);
        }
        let shape = Shape::of(own.groups.or(fall.groups).unwrap_or(1)).with(|spec| {
            let group = &mut spec["groups"][0];
            if let Some(owns) = own.owns.as_ref().or(fall.owns.as_ref()) {
                group["owned_paths"] = json!(owns);
            }
            let keys = own.check.as_ref().or(fall.check.as_ref());
            for (key, value) in keys.into_iter().flatten() {
                group["checks"][0][key] = value.clone();
            }
            if group["checks"][0]["kind"] != "repo_test"
                && !keys.is_some_and(|k| k.contains_key("argv"))
                && let Some(check) = group["checks"][0].as_object_mut()
            {
                check.remove("argv");
            }
            let more = own.more.as_ref().or(fall.more.as_ref());
            let checks = group["checks"].as_array_mut().expect("checks");
            checks.extend(more.into_iter().flatten().cloned());
            if let Some(globs) = own.protected.as_ref().or(fall.protected.as_ref()) {
                spec["protected_paths"] = json!(globs);
            }
            if let Some(steps) = own.prepare.as_ref().or(fall.prepare.as_ref()) {
                spec["prepare"] = steps.clone();
            }
            for (key, value) in own.spec.as_ref().or(fall.spec.as_ref()).into_iter().flatten() {
                spec[key] = value.clone();
            }
        });
        let spec = s.spec(&shape);
        let env = own.env.as_ref().or(fall.env.as_ref()).cloned().unwrap_or_default();
        Self { sandbox: s, start, has_session: false, spec, env, place: case.place.clone() }
    }

    fn otto(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = self.sandbox.command(args);
        let path = command.get_envs().find(|(k, _)| *k == "PATH").and_then(|(_, v)| v);
        let path = path.expect("a PATH").to_string_lossy().into_owned();
        for (name, value) in &self.env {
            let project = self.sandbox.project.to_string_lossy();
            command.env(name, value.replace("{project}", &project).replace("{PATH}", &path));
        }
        let output = command.output().expect("otto starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&output.stderr);
        assert!(!said.contains("panicked at"), "{said}");
        (output.status.code().expect("an exit code"), text(&output.stdout), said)
    }

    /// Where it went red and why; `None` when it is green.
    fn red(&self) -> Option<(String, String)> {
        let found = |place: &str, why: &str| Some((place.to_owned(), why.to_owned()));
        if self.place == "check" {
            if !self.has_session {
                self.session_of_its_own();
            }
            let (code, out, said) = self.otto(&["check", "--spec", &self.spec, "--at", "HEAD"]);
            let lines = out.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
            let outcomes: Vec<Value> = lines.map(|l| l["outcome"].clone()).collect();
            let red = outcomes.iter().find(|o| o.is_object() && o["outcome"] != "passed");
            assert!(red.is_some() || code == 0, "{out}{said}");
            return red.and_then(|o| found("check", o["reason"].as_str()?));
        }
        let (code, _, said) = self.otto(&["compile", "--from-spec", &self.spec]);
        if code == 65 {
            return found("compile", &said);
        }
        assert_eq!(code, 0, "{said}");
        if self.place == "compile" {
            return None;
        }
        if self.place == "audit" {
            self.otto(&["run", "--resume"]);
        } else {
            self.otto(&["build-group", "--session", "latest", "--all"]);
        }
        if self.place == "candidate" {
            self.otto(&["merge", "--session", "latest", "--no-repair"]);
        }
        self.sandbox.journal().iter().find_map(judged)
    }

    /// With a spec that is no part of the entry.
    fn session_of_its_own(&self) {
        let plain = self.sandbox.at("plain.json");
        write(&plain, &Shape::of(1).text());
        let (code, _, said) = self.otto(&["compile", "--from-spec", &plain.to_string_lossy()]);
        assert_eq!(code, 0, "{said}");
    }
}

/// What an event says of bad work.
fn judged(event: &Value) -> Option<(String, String)> {
    let data = &event["data"];
    let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    match event["kind"].as_str()? {
        "group.attempt.finished" => match data["outcome"].as_str()? {
            "violation" => Some(("attempt".into(), word(&data["violations"][0]["rule"]))),
            "no_change" => Some(("attempt".into(), "no_change".into())),
            _ => None,
        },
        "group.check.finished" if data["phase"] != "base" => {
            let red = data["outcome"]["outcome"] != "passed";
            red.then(|| (word(&data["phase"]), word(&data["outcome"]["reason"])))
        }
        "spec.requested" if data["problems"].is_array() => {
            Some(("amendment".into(), data["problems"].to_string()))
        }
        "group.failed" if word(&data["reason"]).contains("prove nothing") => {
            Some(("base".into(), "proves_nothing".into()))
        }
        "audit.check.finished" if data["outcome"]["outcome"] != "passed" => {
            Some(("audit".into(), word(&data["outcome"]["reason"])))
        }
        _ => None,
    }
}

/// What is wrong with an entry, if anything.
fn fault(dir: &Path, case: &Case) -> Option<String> {
    let run = Run::new(dir, case, Version::Trick);
    let red = run.red();
    let as_told = red.as_ref().is_some_and(|(place, reason)| {
        let in_words = matches!(place.as_str(), "compile" | "amendment");
        let same = if in_words { reason.contains(&case.reason) } else { *reason == case.reason };
        *place == case.place && same
    });
    if !as_told {
        return Some(format!("expected {} {}, got {red:?}", case.place, case.reason));
    }
    let control = run.becomes(dir, case, Version::Honest).red();
    control.map(|red| format!("its honest version is red: {red:?}"))
}

fn entries() -> Vec<(String, PathBuf, Case)> {
    let only = std::env::var("FALSE_GREEN").unwrap_or_default();
    let mut found: Vec<(String, PathBuf, Case)> = Vec::new();
    for entry in std::fs::read_dir(corpus()).expect("the corpus").flatten() {
        let (name, dir) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        if !dir.is_dir() || !name.contains(&only) {
            continue;
        }
        let text = read(&dir.join("case.json")).unwrap_or_else(|| panic!("{name}: no case.json"));
        if text.contains("browser_journey") && !can_browse() {
            continue;
        }
        let case = Case::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        found.push((name, dir, case));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn every_trick_is_red_for_its_reason_and_honest_work_passes() {
    let entries = entries();
    let queue = Mutex::new(entries.iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("the queue").next();
                    let Some((name, dir, case)) = next else { return };
                    if let Some(fault) = fault(dir, case) {
                        wrong.lock().expect("the list").push(format!("{name}: {fault}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("the list");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if std::env::var_os("FALSE_GREEN").is_some() {
        return;
    }
    assert!(entries.len() >= 80 || !can_browse(), "{} entries", entries.len());
    let mut table = Matrix::new("false-green", &["entry", "trick", "where it is red", "reason"]);
    for (name, _, case) in &entries {
        table.row(&[name, &case.trick, &case.place, &format!("`{}`", case.reason)]);
    }
    table.check();
}
