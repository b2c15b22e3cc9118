//! Whole runs: Otto writes the prompts, the real agents compile, build and certify, and the fake
//! model makes mistakes, is told, and repairs them.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::turn::{BOTH, Vendor};
use super::{Agents, agents};
use crate::harness::{Done, Running, Sandbox, Shape, until};
use crate::model::{Options, Server, Source};

/// A project whose agents are all of one vendor.
struct Project {
    s: Sandbox,
    model: Server,
    vendor: Vendor,
}

/// What the prompts of the roles have in them; see `prompts/`.
const COMPILE: &str = "(?m)^You turn an intent into a spec";
const CORRECT: &str = "(?m)^Your spec was refused";
const BUILD: &str = r"(?m)^## Your part: .* \(`(?P<group>g\d)`\)";
/// In a new conversation, which is told everything.
const AGAIN: &str = "(?m)^## This is attempt";
/// In the same one, which is told what was wrong.
const WRONG: &str =
    r"(?m)^Your work was judged by somebody else(.|\n)*not ok 1 - (?P<group>g\d) has";
const CERTIFY: &str = "(?m)^You judge a product that others built";

fn model_with(rules: &Value) -> Server {
    let source = Source::rules(&json!({"rules": rules})).expect("rules");
    Server::start(source, Options::default()).expect("a port on loopback")
}

impl Project {
    fn new(vendor: Vendor, agents: &Agents, rules: &Value) -> Self {
        let model = model_with(rules);
        let s = Sandbox::project();
        let settings = json!({vendor.word(): vendor.settings(agents, &model.url())});
        // JSON is YAML.
        let config = json!({"provider": vendor.word(), "providers": settings, "jobs": 2});
        s.write("otto.yaml", &format!("{config:#}\n"));
        s.commit("agents");
        Self { s, model, vendor }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.s.command(args);
        command.env("ANTHROPIC_API_KEY", "dummy-key-of-a-test");
        command
    }

    fn otto(&self, code: i32, args: &[&str]) -> Done {
        let done = self.s.finish(&mut self.command(args));
        assert_eq!(done.code, code, "{}\n{}\n{}", done.stdout, done.stderr, self.told());
        assert_eq!(self.s.leftovers(), [0; 0], "something still runs");
        done
    }

    /// What the model was asked and answered, shortly.
    fn told(&self) -> String {
        let line = |r: &Value| {
            let results: String = r["results"].to_string().chars().take(600).collect();
            format!(
                "{} {} step {}: {} after {results}\n",
                r["n"], r["from"], r["step"], r["answer"]
            )
        };
        self.model.requests().iter().filter(|r| r["method"] == "POST").map(line).collect()
    }

    /// How often a rule was asked, by its place in the list.
    fn asked(&self, rule: usize) -> usize {
        let from = json!(format!("rule {rule}"));
        self.model.requests().iter().filter(|r| r["from"] == from && r["step"] == 0).count()
    }

    /// The tree of every landing on the integration branch, oldest first.
    fn trees(&self) -> Vec<String> {
        let range = format!("main..{}", self.s.integ());
        let trees = self.s.git(&["log", "--first-parent", "--reverse", "--format=%T", &range]);
        trees.lines().map(str::to_owned).collect()
    }
}

fn shape() -> Shape {
    Shape::of(2).needs("g2", &["g1"])
}

/// What an agent answers: nothing in it that Otto knows better.
fn spec() -> Value {
    let mut spec: Value = serde_json::from_str(&shape().text()).expect("JSON");
    let map = spec.as_object_mut().expect("an object");
    for known in ["v", "intent", "intent_sha256"] {
        map.remove(known);
    }
    spec
}

/// The spec with a key that there is not.
fn wrong_spec() -> Value {
    serde_json::from_str(&spec().to_string().replace("owned_paths", "owns")).expect("JSON")
}

fn mends(when: &[&str]) -> Value {
    json!({"when": when, "steps": [
        {"calls": [{"sh": {"command": "cat ${group}/work"}}]},
        {"calls": [{"edit": {"path": "${group}/work", "old": "todo ${group}", "new": "done ${group}"}}]},
        {"text": "Now it is right.", "usage": {"fresh": 30, "cached": 90, "output": 7}}]})
}

/// The wrong thing, and a boast.
fn blunders() -> Value {
    json!({"when": [BUILD], "unless": [AGAIN], "steps": [
        {"calls": [{"write": {"path": "${group}/work", "content": "todo ${group}\n"}}]},
        {"text": "Everything works, I tested it."}]})
}

/// The builder first does the wrong thing, and when it is told, the right one.
fn build_rules() -> Vec<Value> {
    vec![
        mends(&[WRONG]),
        blunders(),
        json!({"when": [CERTIFY, "(?P<one>sha256:[0-9a-f]{64})"], "steps": [
            {"answer": {"features": [
                {"id": "f-g1", "verdict": "passed", "evidence": ["${one}"], "why": "its test"},
                {"id": "f-g2", "verdict": "passed", "evidence": ["${one}"], "why": "its test"}],
                "findings": []}}]}),
    ]
}

/// The whole job, with a mistake in every place that can be told of one.
fn whole(vendor: Vendor, agents: &Agents) -> Project {
    let mut rules = build_rules();
    match vendor {
        // The agent itself refuses what does not follow the schema, and asks its model again.
        Vendor::Claude => rules.push(json!({"when": [COMPILE], "steps": [
            {"answer": wrong_spec()}, {"answer": spec()}]})),
        // Otto refuses it, and asks the agent again.
        Vendor::Codex => {
            rules.push(json!({"when": [COMPILE], "steps": [{"answer": wrong_spec()}]}));
            rules.push(json!({"when": [CORRECT, "owns"], "steps": [{"answer": spec()}]}));
        }
    }
    Project::new(vendor, agents, &Value::from(rules))
}

/// What a run left that went through all of it.
fn assert_passed(p: &Project, done: &Done) {
    assert!(done.stdout.contains("passed"), "{}", done.stdout);
    p.s.assert_landed_once(&["g1", "g2"]);
    let finished = p.s.events("group.attempt.finished");
    let outcomes: Vec<&Value> = finished.iter().map(|e| &e["data"]["outcome"]).collect();
    assert_eq!(outcomes.len(), 4, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|o| **o == "passing").count(), 2, "{outcomes:?}");
    for group in ["g1", "g2"] {
        let attempt = |n| p.s.session_dir().join(format!("build/{group}/attempt-0{n}"));
        let told = std::fs::read_to_string(attempt(2).join("prompt.md")).expect("a second attempt");
        assert!(told.contains(&format!("not ok 1 - {group} has no work")), "{told}");
        assert!(!told.contains("Everything works"), "a claim is no evidence: {told}");
    }
    // Told in the conversation in which it had made the mistake.
    let rungs: Vec<&Value> = finished.iter().map(|e| &e["data"]["conversation"]["rung"]).collect();
    assert_eq!(rungs, ["fresh", "resumed", "fresh", "resumed"], "{}", p.told());
    let claim = &finished[0]["data"]["claim"];
    assert_eq!(claim, "Everything works, I tested it.", "it is kept as what was said");
    assert_eq!([p.asked(0), p.asked(1), p.asked(2)], [2, 2, 1], "{}", p.told());
    // Nothing of it is in the person's checkout, and the key of the account is nowhere.
    assert_eq!(p.s.git(&["status", "--porcelain"]), "");
    let found =
        Command::new("grep").args(["-rl", "dummy-key-of-a-test"]).arg(&p.s.project).output();
    assert_eq!(String::from_utf8_lossy(&found.expect("grep").stdout), "");
}

#[test]
fn a_run_with_claude_in_every_role_passes_and_its_recording_lands_the_same() {
    let Some(agents) = agents() else { return };
    let p = whole(Vendor::Claude, &agents);
    recorded_and_replayed(&p);
}

#[test]
fn a_run_with_codex_in_every_role_passes_and_its_recording_lands_the_same() {
    let Some(agents) = agents() else { return };
    let p = whole(Vendor::Codex, &agents);
    recorded_and_replayed(&p);
    assert_eq!(p.asked(4), 1, "the compiler was told its mistakes: {}", p.told());
}

fn recorded_and_replayed(p: &Project) {
    let recording = p.s.at("recording").to_string_lossy().into_owned();
    let done = p.otto(0, &["run", "parts", "--record", &recording]);
    assert_passed(p, &done);
    let (first, trees) = (p.s.session(), p.trees());
    assert_eq!(trees.len(), 2);
    let used = p.s.events("spec.compiled")[0]["data"]["turns"].clone();
    assert_eq!(used, if p.vendor == Vendor::Claude { 1 } else { 2 });

    let asked = p.model.requests().len();
    let from = format!("providers.replay.dir={}", Value::from(recording));
    let again = p.otto(0, &["run", "parts", "--provider", "replay", "-c", &from]);
    assert!(again.stdout.contains("passed"), "{}", again.stdout);
    assert_ne!(p.s.session(), first);
    assert_eq!(p.model.requests().len(), asked, "nobody asked a model");
    p.s.assert_landed_once(&["g1", "g2"]);
    assert_eq!(p.trees(), trees, "the same trees in the same order");
}

#[test]
fn a_conversation_that_cannot_be_gone_on_with_is_begun_anew() {
    for vendor in BOTH {
        let Some(agents) = agents() else { return };
        let refused =
            json!({"when": [WRONG], "steps": [{"fail": [{"how": {"status": {"code": 400}}}]}]});
        let rules = json!([refused, mends(&[BUILD, AGAIN]), blunders()]);
        let p = Project::new(vendor, &agents, &rules);
        p.s.compiled(1);
        p.otto(0, &["build-group", "--session", "latest", "--group", "g1"]);
        let finished = p.s.events("group.attempt.finished");
        let last = &finished.last().expect("an attempt")["data"];
        assert_eq!((finished.len(), &last["outcome"]), (2, &json!("passing")), "{}", p.told());
        assert_eq!(last["conversation"]["rung"], "fresh", "{}", p.told());
        // The same one and a copy of it were tried before.
        assert!(p.asked(0) >= 2 && p.asked(1) == 1, "{}", p.told());
    }
}

#[test]
fn one_that_is_at_its_limit_is_stood_in_for_by_the_other() {
    let Some(agents) = agents() else { return };
    let p = Project::new(
        Vendor::Codex,
        &agents,
        &json!([mends(&[BUILD, AGAIN]), mends(&[WRONG]), blunders()]),
    );
    let limit = json!({"code": 429, "message": "You've reached your usage limit."});
    let spent =
        model_with(&json!([{"when": [BUILD], "steps": [{"fail": [{"how": {"status": limit}}]}]}]));
    let settings = json!({
        "claude": Vendor::Claude.settings(&agents, &spent.url()),
        "codex": Vendor::Codex.settings(&agents, &p.model.url())});
    let config = json!({"provider": "claude", "fallback": ["codex"], "providers": settings});
    p.s.write("otto.yaml", &format!("{config:#}\n"));
    p.s.commit("one stands in for the other");
    p.s.compiled(1);
    p.otto(0, &["build-group", "--session", "latest", "--group", "g1"]);
    let started = p.s.events("group.attempt.started");
    let last = &started.last().expect("an attempt")["data"]["provider"];
    assert_eq!((&started[0]["data"]["provider"], last), (&json!("claude"), &json!("codex")));
    assert_eq!(p.s.git(&["show", &format!("{}:g1/work", p.s.build_ref("g1"))]), "done g1");
    let asked = spent.requests().iter().filter(|r| r["method"] == "POST").count();
    assert!((1..=2).contains(&asked), "nobody insists: {asked}");
}

/// The work is done, and then the agent hangs in a tool, whose processes are in a session of their
/// own.
fn hanging(vendor: Vendor, agents: &Agents) -> Project {
    let hang =
        r#"mkfifo "$TMPDIR/never"; : >g1/in-tool; read -r x <"$TMPDIR/never"; echo late >g1/work"#;
    let rules = json!([{"when": [BUILD], "steps": [
        {"calls": [{"write": {"path": "${group}/work", "content": "done ${group}\n"}}]},
        {"calls": [{"sh": {"command": hang}}]},
        {"text": "never"}]}]);
    let p = Project::new(vendor, agents, &rules);
    p.s.compiled(1);
    p
}

/// Starts the build and waits until the agent is in that tool.
fn built_until_it_hangs(p: &Project) -> Running {
    let build = p.command(&["build-group", "--session", "latest", "--group", "g1"]);
    let mut running = p.s.start_command("build", build);
    until("the tool", || {
        assert!(!running.has_ended(), "{}\n{}", p.s.said("build"), p.told());
        is_there(&p.s.at("cache"), "in-tool").then_some(())
    });
    running
}

/// Somewhere below a folder in which things come and go.
fn is_there(dir: &Path, name: &str) -> bool {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.into_iter().any(|e| {
        let is_folder = e.file_type().is_ok_and(|t| t.is_dir());
        e.file_name() == name || (is_folder && is_there(&e.path(), name))
    })
}

#[test]
fn a_provider_that_is_killed_leaves_nothing_and_its_tree_is_judged() {
    for vendor in BOTH {
        let Some(agents) = agents() else { return };
        let p = hanging(vendor, &agents);
        let running = built_until_it_hangs(&p);
        let provider = p.s.process(&format!("/otto-provider-{}", vendor.word()));
        // SAFETY: a signal to a process of this sandbox.
        assert_eq!(unsafe { libc::kill(provider, libc::SIGKILL) }, 0);
        assert_eq!(running.end(), 0, "{}\n{}", p.s.said("build"), p.told());
        p.s.nothing_runs();
        let finished = &p.s.events("group.attempt.finished")[0]["data"];
        assert_eq!(finished["outcome"], "passing", "{finished}");
        assert_eq!(p.s.git(&["show", &format!("{}:g1/work", p.s.build_ref("g1"))]), "done g1");
    }
}

#[test]
fn a_run_that_is_stopped_in_a_tool_leaves_nothing_and_can_be_gone_on_with() {
    for vendor in BOTH {
        let Some(agents) = agents() else { return };
        let p = hanging(vendor, &agents);
        let running = built_until_it_hangs(&p);
        running.signal(libc::SIGTERM);
        assert_eq!(running.end(), 143, "{}", p.s.said("build"));
        p.s.nothing_runs();
        // What had been done is there; nobody has to do it again.
        p.otto(0, &["build-group", "--session", "latest", "--group", "g1"]);
        assert_eq!(p.s.git(&["show", &format!("{}:g1/work", p.s.build_ref("g1"))]), "done g1");
    }
}
