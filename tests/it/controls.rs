//! Whose failure it is, what a check is evidence of, and what other programs are told of checks.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{GOOD, Sandbox, Shape};

/// A regression check of two tests: one is broken from the start, and one breaks with `g1/broke`.
const SUITE: &str = "echo 1..2\necho 'not ok 1 - was broken before'\n\
    if [ -f g1/broke ]; then echo 'not ok 2 - works'; else echo 'ok 2 - works'; fi\nexit 1\n";

fn with_suite(s: &Sandbox) -> String {
    s.write("tests/suite.sh", SUITE);
    s.commit("a suite");
    let suite = json!({"id": "suite", "kind": "repo_test", "purpose": "regression",
                       "argv": ["sh", "tests/suite.sh"]});
    s.spec(&Shape::of(1).with(|spec| {
        let checks = spec["groups"][0]["checks"].as_array_mut().expect("checks");
        checks.push(suite);
    }))
}

fn once(s: &Sandbox) {
    let config = s.read("otto.yaml") + "attempts: 1\nmerge_attempts: 0\n";
    s.write("otto.yaml", &config);
}

#[test]
fn failures_of_before_and_new_ones_are_told_apart_by_name() {
    let s = Sandbox::project();
    once(&s);
    let spec = with_suite(&s);
    s.agent(&format!("{GOOD}\n: >g1/broke"));
    s.run(0, &["compile", "--from-spec", &spec]);
    s.run(1, &["build-group", "--session", "latest", "--all"]);
    let red = s.events("group.check.finished").into_iter().find(|e| e["data"]["check"] == "suite");
    let before = red.expect("the suite ran")["data"]["outcome"]["before"].clone();
    assert_eq!(before["age"], "mixed", "{before}");
    assert_eq!(before["old"], json!(["was broken before"]));
    assert_eq!(before["new"], json!(["works"]));
    let ended = &s.events("group.attempt.finished")[0];
    let brief = ended["data"]["brief"].as_str().expect("a brief");
    assert!(brief.contains("2 failed tests, of which 1 failed before"), "{brief}");
    // By hand, at a commit where only the old one fails.
    s.write("g1/other", "x\n");
    s.commit("something else");
    let told = s.run(1, &["check", "--session", "latest", "--check", "suite", "--at", "HEAD"]);
    let item = told.stdout.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
    let outcome = item.map(|i| i["outcome"].clone()).find(Value::is_object).expect("an outcome");
    assert_eq!(outcome["before"]["age"], "old", "{outcome}");
    // Where the base is green, the failure is new.
    let s = Sandbox::project();
    once(&s);
    let spec = with_suite(&s);
    s.write(
        "tests/suite.sh",
        "echo 1..1\n[ ! -f g1/broke ] || { echo not ok 1; exit 1; }\necho ok 1\n",
    );
    s.commit("it works");
    s.agent(&format!("{GOOD}\n: >g1/broke"));
    s.run(0, &["compile", "--from-spec", &spec]);
    s.run(1, &["build-group", "--session", "latest", "--all"]);
    let brief = s.events("group.attempt.finished")[0]["data"]["brief"].to_string();
    assert!(brief.contains("new: it passed before"), "{brief}");
}

/// A session with one group that has landed, and a check that looks at nothing but the group's test.
fn landed() -> Sandbox {
    let s = Sandbox::project();
    let idle = json!({"id": "idle", "kind": "repo_test", "features": ["f-g1"], "counts": "exit",
                      "argv": ["test", "-f", "g1/tests/made"]});
    let spec = s.spec(&Shape::of(1).with(|spec| {
        let checks = spec["groups"][0]["checks"].as_array_mut().expect("checks");
        checks.push(idle);
    }));
    s.agent(&format!("{GOOD}\nmkdir -p g1/tests; : >g1/tests/made"));
    s.run(0, &["compile", "--from-spec", &spec]);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    s
}

fn controls(out: &str) -> Vec<(String, String)> {
    let items = out.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
    let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    items
        .filter(|i| i["otto"] == "control")
        .map(|i| (word(&i["check"]), word(&i["control"])))
        .collect()
}

#[test]
fn a_check_that_stays_green_without_the_work_is_evidence_of_nothing() {
    let s = landed();
    let both = |out: &str| {
        assert_eq!(
            controls(out),
            [
                ("g1-tests".to_owned(), "turned_red".to_owned()),
                ("idle".to_owned(), "evidence_of_nothing".to_owned())
            ],
            "{out}"
        );
    };
    // Before it has landed, from the group's head.
    both(&s.run(1, &["check", "--session", "latest", "--mutate"]).stdout);
    s.run(0, &["merge", "--session", "latest"]);
    both(&s.run(1, &["check", "--session", "latest", "--mutate"]).stdout);
    let checked = ["check", "--session", "latest", "--mutate", "--check", "g1-tests"];
    s.run(0, &checked);
    let event = &s.events("check.mutated")[1]["data"];
    assert_eq!(event["kept"], json!(["g1/tests/made"]), "{event}");
    // Every check is green, and the product is not passed: nothing shows one of its features.
    s.run(1, &["audit", "--session", "latest"]);
    s.run(1, &["render", "--session", "latest"]);
    s.run(1, &["land"]);
    let packet = std::fs::read_to_string(s.session_dir().join("proof-packet.json"));
    let packet = packet.expect("a packet");
    assert!(
        packet.contains("It stays green when the work that it speaks for is taken away."),
        "{packet}"
    );
    s.run(0, &["verify", "--no-rerun"]);
}

#[test]
fn work_that_does_not_come_off_by_itself_is_not_run() {
    let s = Sandbox::project();
    s.write("shared.txt", "one\ntwo\nthree\n");
    s.commit("a file of everybody's");
    let spec = s.spec(&Shape::of(2).needs("g2", &["g1"]).shared(&["shared.txt"]));
    // The second group changes the line that the first one has changed.
    s.agent(&format!("{GOOD}\nsed -i \"s/^two.*/two by $OTTO_GROUP/\" shared.txt"));
    s.run(0, &["run", "--from-spec", &spec]);
    let told = s.run(1, &["check", "--session", "latest", "--mutate"]);
    assert_eq!(
        controls(&told.stdout),
        [
            ("g1-tests".to_owned(), "not_run".to_owned()),
            ("g2-tests".to_owned(), "turned_red".to_owned())
        ]
    );
}

#[test]
fn other_programs_are_told_in_their_own_forms() {
    let s = landed();
    s.on_check("echo 'g1/work:1: not what it should be'; echo '/etc/passwd:1: neither'");
    s.write("g1/work", "something <else> & more\n");
    s.write("g1/tests/made", "");
    s.commit("work by hand");
    let args = ["--junit", "out.xml", "--sarif", "out.sarif", "--at", "HEAD"];
    let all = ["check", "--session", "latest"].into_iter().chain(args).collect::<Vec<_>>();
    s.run(1, &all);
    // Read back by the parser that reads everybody's reports.
    let xml = s.read("out.xml");
    let otto::check::counts::Counted::Found { format, counts, .. } =
        otto::check::counts::count(&xml)
    else {
        panic!("{xml}");
    };
    assert_eq!((format.name(), counts.run, counts.failed), ("JUnit XML", 2, 1), "{xml}");
    assert_eq!(
        otto::check::counts::failed_names(&xml),
        BTreeSet::from(["g1 g1-tests".to_owned()]),
        "{xml}"
    );
    for part in ["type=\"tests_failed\"", "name=\"tree\"", "value=\"sha256:", "<system-out>"] {
        assert!(xml.contains(part), "{part}: {xml}");
    }
    let log: Value = serde_json::from_str(&s.read("out.sarif")).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "tests_failed");
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 1, "{log}");
    let result = &results[0];
    assert_eq!((&result["ruleId"], &result["ruleIndex"]), (&json!("tests_failed"), &json!(0)));
    assert!(result["message"]["text"].as_str().is_some_and(|t| t.starts_with("g1: g1-tests")));
    let places = result["locations"].as_array().expect("locations");
    assert_eq!(places.len(), 1, "{log}");
    let place = &places[0]["physicalLocation"];
    assert_eq!(place["artifactLocation"], json!({"uri": "g1/work", "uriBaseId": "%SRCROOT%"}));
    assert_eq!(place["region"], json!({"startLine": 1}));
    // A check that could not run is an error, and no result is left out.
    std::fs::remove_file(s.project.join("out.xml")).expect("removed");
    s.write("tests/check.sh", "exit 127\n");
    s.commit("no tool");
    s.run(1, &all);
    assert!(
        s.read("out.xml").contains("failures=\"1\"") || s.read("out.xml").contains("errors=\"1\"")
    );
}
