//! The review gate, the versions of a spec, and the chain that binds them to the approval.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{Faults, Sandbox, Shape, Survives, write};

fn path(s: &Sandbox, name: &str) -> PathBuf {
    s.session_dir().join("spec").join(name)
}

fn text(s: &Sandbox, name: &str) -> String {
    std::fs::read_to_string(path(s, name)).expect("a file of the spec")
}

/// The spec of one group, with that title.
fn titled(title: &str) -> Shape {
    Shape::of(1).with(|v| v["groups"][0]["title"] = json!(title))
}

/// An agent that answers with `answer-N.json` in its N-th turn, or with the last one there is.
fn compiler(s: &Sandbox, titles: &[&str]) {
    for (n, title) in titles.iter().enumerate() {
        write(&s.at(&format!("answer-{}.json", n + 1)), &titled(title).text());
    }
    s.agent(&format!(
        r#"if [ "$OTTO_ROLE" = spec ]; then
    cp "$OTTO_PROMPT_FILE" "$HOME/prompt.spec.$OTTO_ATTEMPT"
    n=$OTTO_ATTEMPT; [ "$n" -le {most} ] || n={most}
    cp "$HOME/../answer-$n.json" "$OTTO_OUTPUT"; exit 0
fi
mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
        most = titles.len()
    ));
}

/// The commands that a message tells, by the word before them.
fn command(said: &str, word: &str) -> String {
    let line = said.lines().find_map(|l| l.split_once(word)).expect("it is said");
    line.1.trim().to_owned()
}

#[test]
fn a_run_waits_and_says_three_commands_that_work() {
    let s = Sandbox::project();
    compiler(&s, &["First", "Second"]);
    let waits = s.run(77, &["run", "parts", "--review-gate"]).stderr;
    for word in ["yes:", "changes:", "by hand:"] {
        assert!(command(&waits, word).starts_with("otto spec "), "{waits}");
    }
    // The narrative and the end say how to read it.
    assert_eq!(waits.matches("otto spec show ").count(), 2, "{waits}");
    assert_eq!(waits.matches("otto spec ").count(), 2 + 3, "{waits}");
    let changes = command(&waits, "changes:").replace('…', "the report needs totals");
    s.shell(0, &changes);
    // Compiled again with the note and the version that it is about; and waits again.
    let waits = s.run(77, &["run", "--resume"]).stderr;
    let prompt = std::fs::read_to_string(s.home("prompt.spec.2")).expect("a second turn");
    assert!(prompt.contains("the report needs totals") && prompt.contains("\"First\""), "{prompt}");
    s.script(&s.at("ed.sh"), "#!/bin/sh\nsed -i 's/Second/Third/' \"$1\"\n");
    s.shell(0, &format!("EDITOR=$HOME/../ed.sh {}", command(&waits, "by hand:")));
    // What was shown is not what is there any more.
    let refused = s.shell(1, &command(&waits, "yes:"));
    assert!(refused.stderr.contains("otto spec show"), "{}", refused.stderr);
    let waits = s.run(77, &["run", "--resume"]).stderr;
    s.shell(0, &command(&waits, "yes:"));
    s.run(0, &["run", "--resume"]);
    s.assert_landed_once(&["g1"]);

    let log = s.run(0, &["spec", "log"]).stdout;
    for told in [
        "1  20",
        "compiled by agent",
        "changes wanted by user:tester: the report needs totals",
        "edited by user:tester",
        "approved by user:tester",
    ] {
        assert!(log.contains(told), "'{told}' is not in: {log}");
    }
    let rows = s.run(0, &["spec", "log", "--json"]).stdout;
    let rows: Vec<Value> =
        rows.lines().map(|l| serde_json::from_str(l).expect("a version")).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["said"][0]["note"], "the report needs totals");
    // Any two of them, both ways.
    let diff =
        |from: &str, to: &str| s.run(0, &["spec", "diff", "--from", from, "--to", to]).stdout;
    assert!(diff("1", "3").contains("First"));
    assert!(diff("1", "2").contains("Second") && !diff("1", "2").contains("Third"));
    assert!(diff("3", "1").contains("+") && diff("2", "2").is_empty());
    s.run(2, &["spec", "diff", "--from", "1", "--to", "4"]);
}

#[test]
fn a_compiler_that_changes_nothing_is_told_of() {
    let s = Sandbox::project();
    compiler(&s, &["First", "First"]);
    s.run(77, &["run", "parts", "--review-gate"]);
    s.run(0, &["spec", "reject", "--note", "the report needs totals"]);
    s.run(77, &["run", "--resume"]);
    let log = s.run(0, &["spec", "log"]).stdout;
    assert!(log.contains("compiled by agent, the same as version 1"), "{log}");
}

#[test]
fn it_is_compiled_again_five_times_and_then_by_hand() {
    let s = Sandbox::project();
    let titles = ["One", "Two", "Three", "Four", "Five", "Six"];
    compiler(&s, &titles);
    s.run(77, &["run", "parts", "--review-gate"]);
    for _ in 0..5 {
        s.run(0, &["spec", "reject", "-m", "not yet"]);
        s.run(77, &["run", "--resume"]);
    }
    s.run(0, &["spec", "reject", "-m", "still not"]);
    let over = s.run(1, &["run", "--resume"]).stderr;
    assert!(over.contains("5 times") && over.contains("otto spec edit"), "{over}");
    assert_eq!(s.events("spec.compiled").len(), 6);
    s.run(77, &["build-group", "--session", "latest", "--all"]);
    let spec = s.spec(&titled("By hand"));
    s.run(0, &["spec", "edit", "--file", &spec]);
    s.run(0, &["spec", "approve"]);
    s.run(0, &["run", "--resume"]);
    s.assert_landed_once(&["g1"]);
}

#[test]
fn an_approval_that_somebody_writes_into_the_journal_is_none() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(77, &["compile", "--from-spec", &spec, "--review-gate"]);
    let last = s.journal().pop().expect("an event");
    let hash = &s.events("spec.compiled")[0]["data"]["sha256"];
    let forged = json!({"v": 1, "seq": last["seq"].as_u64().expect("a number") + 1, "at": last["at"],
        "kind": "spec.approved", "actor": "otto-spec", "data": {"sha256": hash, "by": "user:ada"},
        "prev": last["hash"], "hash": last["hash"]});
    let journal = s.session_dir().join("spec-state.jsonl");
    let before = std::fs::read_to_string(&journal).expect("a journal");
    std::fs::write(&journal, format!("{before}{forged}\n")).expect("written");
    for args in [&["build-group", "--session", "latest", "--all"][..], &["run", "--resume"]] {
        s.run(65, args);
    }
    s.run(65, &["verify"]);
    std::fs::write(&journal, before).expect("written");
    s.run(77, &["build-group", "--session", "latest", "--all"]);
    assert_eq!(s.events("group.attempt.started").len(), 0);
}

/// Passed, with two links in the chain.
fn amended_twice() -> Sandbox {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    for goals in [&["rocketry"][..], &["rocketry", "surgery"]] {
        let file = s.spec(&Shape::of(1).with(|v| v["non_goals"] = json!(goals)));
        s.run(0, &["spec", "amend", "--reason", "it grew", "--file", &file]);
    }
    s.run(0, &["run", "--resume"]);
    s
}

#[test]
fn one_flipped_byte_of_any_version_is_named() {
    let s = amended_twice();
    s.run(0, &["verify"]);
    for name in ["spec.json", "versions/001.json", "versions/002.json", "versions/003.json"] {
        let good = std::fs::read(path(&s, name)).expect("a file");
        // Spread over the file, another start for each.
        for at in (name.len()..good.len()).step_by(good.len() / 8) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(path(&s, name), &bad).expect("written");
            let found = s.run(65, &["verify"]).stdout;
            let last = name.rsplit('/').next().expect("a name");
            assert!(found.contains(last), "byte {at} of {name}: {found}");
        }
        std::fs::write(path(&s, name), &good).expect("written");
    }
    s.run(0, &["verify"]);
}

#[test]
fn a_spec_that_was_changed_on_disk_is_never_passed_and_says_how_to_go_on() {
    let s = amended_twice();
    let good = text(&s, "spec.json");
    let changes: [(&str, String); 5] = [
        ("approved", good.replace("The part of g1", "A part")),
        // A gate that is easier, with a chain that looks right.
        ("approved", good.replace("tests/check.sh", "README.md")),
        ("amendments[0]", good.replacen("it grew", "it shrank", 1)),
        (
            "amendments[1]",
            good.replacen("user:tester", "user:root", 2).replacen("user:root", "user:tester", 1),
        ),
        ("amendments[0]", {
            let mut spec: Value = serde_json::from_str(&good).expect("JSON");
            spec["amendments"].as_array_mut().expect("links").remove(0);
            serde_json::to_string_pretty(&spec).expect("JSON")
        }),
    ];
    for (named, bad) in changes {
        assert_ne!(bad, good);
        std::fs::write(path(&s, "spec.json"), &bad).expect("written");
        let mut hint = String::new();
        for args in [
            &["build-group", "--session", "latest", "--all"][..],
            &["merge", "--session", "latest"],
            &["audit", "--session", "latest"],
            &["land"],
            &["status"],
            &["verify"],
        ] {
            let done = s.run(65, args);
            let said = format!("{}{}", done.stdout, done.stderr);
            assert!(said.contains(named), "{args:?}: '{named}' is not in: {said}");
            if args[0] == "build-group" {
                hint = said;
            }
        }
        let (_, back) = hint.split_once("put the approved one back: ").expect("what to do");
        s.shell(0, back.lines().next().expect("a command"));
        s.run(0, &["status"]);
        s.run(0, &["verify"]);
    }
    // Or it becomes a change with a reason.
    let json = path(&s, "spec.json").to_string_lossy().into_owned();
    std::fs::write(&json, good.replace("rocketry", "astronomy")).expect("written");
    s.run(0, &["spec", "amend", "--reason", "I edited it", "--file", &json]);
    s.run(1, &["status"]);
    let id = s.session();
    s.run(0, &["run", "--resume", &id]);
    s.run(0, &["verify"]);
}

/// The same way after any stop: the old spec or the new one, and never half of one.
#[test]
fn an_amendment_survives_a_stop_at_every_point() {
    let begin = || {
        let s = Sandbox::project();
        let spec = s.spec(&Shape::of(2));
        s.run(0, &["compile", "--from-spec", &spec]);
        s.run(0, &["build-group", "--session", "latest", "--all"]);
        let changed = s.spec(&Shape::of(2).with(|v| v["groups"][0]["tasks"] = json!(["more"])));
        (s, changed)
    };
    let amend = |s: &Sandbox, file: &str, faults: &Faults<'_>| {
        let (name, dir) = faults.env();
        let args = ["spec", "amend", "--reason", "more", "--file", file];
        s.finish(s.command(&args).env(name, dir)).code
    };
    let (s, file) = begin();
    let faults = Faults::new(&s);
    assert_eq!(amend(&s, &file, &faults), 0);
    let points = faults.points();
    assert!(points.iter().any(|p| p.subject.contains("spec/versions")), "{points:?}");
    for point in &points {
        for fault in ["kill", "power", "torn"] {
            if fault == "torn" && point.effect != "append" {
                continue;
            }
            let (s, file) = begin();
            let faults = Faults::new(&s);
            if fault == "power" {
                faults.with_platter();
            }
            faults.plan(&format!("{} {} {fault}", point.program, point.n));
            amend(&s, &file, &faults);
            if fault == "power" {
                faults.restore(Survives::Nothing);
            }
            let asked = || {
                let args = ["spec", "amend", "--reason", "more", "--file", &file];
                s.finish(&mut s.command(&args))
            };
            let again = asked();
            assert_eq!(again.code, 0, "{fault} at {point:?}: {}", again.stderr);
            assert!(asked().stdout.contains("nothing changed"));
            assert_eq!(s.events("spec.amended").len(), 1, "{fault} at {point:?}");
            let done = s.finish(s.command(&["run", "--resume"]).env("OTTO_BOOT_ID", "another"));
            assert_eq!(done.code, 0, "{fault} at {point:?}: {}", done.stderr);
            // The group whose tasks changed was built for them.
            let attempts = s.events("group.attempt.started");
            let of = |g: &str| attempts.iter().filter(|e| e["group"] == g).count();
            assert!(of("g1") >= 2 && of("g2") == 1, "{fault} at {point:?}: {attempts:?}");
            s.assert_landed_once(&["g1", "g2"]);
        }
    }
}
