//! A spec that changes while it is built: by people, and by builders within their limits.

use serde_json::{Value, json};

use crate::harness::{Done, Sandbox, Shape, until, write};

/// Each call of an agent is a line of `$HOME/calls`.
const COUNTED: &str = r#"echo "$OTTO_GROUP $OTTO_ROLE" >>"$HOME/calls""#;

fn counted(body: &str) -> String {
    format!("{COUNTED}\n{body}")
}

/// Does its part, and what a line `extra NAME` of its prompt asks for besides.
const OBEDIENT: &str = r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"
for name in $(sed -n 's/.*extra \([a-z]*\).*/\1/p' "$HOME/prompt.$OTTO_GROUP"); do
    : >"$OTTO_GROUP/$name"
done"#;

fn calls(s: &Sandbox) -> Vec<String> {
    let text = std::fs::read_to_string(s.home("calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A further check of a group: red on the base.
fn check(group: &str, id: &str, argv: &[&str]) -> Value {
    json!({"id": id, "kind": "repo_test", "features": [format!("f-{group}")], "argv": argv,
           "counts": "exit"})
}

fn with_check(shape: Shape, group: usize, check: Value) -> Shape {
    shape.with(|v| {
        let checks = v["groups"][group]["checks"].as_array_mut().expect("checks");
        checks.push(check);
    })
}

fn there(path: &str) -> Value {
    let group = &path[..2];
    check(group, &format!("{group}-more"), &["test", "-f", path])
}

fn amend(s: &Sandbox, shape: &Shape) -> Done {
    let file = s.spec(shape);
    s.run(0, &["spec", "amend", "--reason", "it needs more", "--file", &file])
}

fn sent_back(s: &Sandbox) -> Vec<(String, bool)> {
    let one = |e: &Value| {
        let group = e["group"].as_str().expect("a group").to_owned();
        (group, e["data"]["judge_first"] == true)
    };
    let all = s.events("group.invalidated");
    all.iter().filter(|e| e["data"]["reason"] == "spec_changed").map(one).collect()
}

#[test]
fn work_that_an_amendment_does_not_touch_stays_and_good_work_needs_no_agent() {
    let s = Sandbox::project();
    s.agent(&counted(OBEDIENT));
    let shape = || Shape::of(3).needs("g3", &["g1"]);
    let spec = s.spec(&shape());
    s.run(0, &["compile", "--from-spec", &spec]);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    let refs = || ["g1", "g2", "g3"].map(|g| s.git(&["rev-parse", &s.build_ref(g)]));
    let before = refs();
    assert_eq!(calls(&s).len(), 3);

    // One more check, green on what is there: judged again, and nobody is called.
    let said = amend(&s, &with_check(shape(), 0, there("g1/work")));
    assert!(said.stdout.contains("g1: the check 'g1-more' is new"), "{}", said.stdout);
    assert!(said.stdout.contains("untouched: 2 groups"), "{}", said.stdout);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    assert_eq!((calls(&s).len(), refs()), (3, before.clone()));
    assert_eq!(sent_back(&s), [("g1".to_owned(), true)]);

    // One that is red: its builder is called with it, and nobody else.
    let red = || {
        let both = with_check(shape(), 0, there("g1/work"));
        with_check(
            both,
            0,
            check("g1", "g1-extra", &["sh", "-c", "test -f g1/extra # extra extra"]),
        )
    };
    amend(&s, &red());
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    assert_eq!(calls(&s)[3..], ["g1 build"]);
    let now = refs();
    assert_ne!(now[0], before[0]);
    assert_eq!(now[1..], before[1..]);

    // Other work is wanted of g2: its builder is told, whatever its checks say.
    amend(&s, &red().with(|v| v["groups"][1]["tasks"] = json!(["make extra thing"])));
    s.run(0, &["run", "--resume"]);
    assert_eq!(calls(&s)[4..], ["g2 build"]);
    assert_eq!(s.git(&["rev-parse", &s.build_ref("g3")]), before[2]);
    s.assert_landed_once(&["g1", "g2", "g3"]);
    assert!(s.git(&["ls-tree", "-r", "--name-only", &s.integ()]).contains("g2/thing"));
}

#[test]
fn a_wrong_check_that_is_taken_back_makes_failed_work_good() {
    let s = Sandbox::project();
    s.agent(&counted(OBEDIENT));
    let wrong = with_check(Shape::of(1), 0, check("g1", "wrong", &["test", "-f", "g1/never"]));
    let spec = s.spec(&wrong);
    s.run(1, &["run", "--from-spec", &spec]);
    let before = calls(&s).len();
    amend(&s, &Shape::of(1));
    let id = s.session();
    s.run(0, &["run", "--resume", &id]);
    assert_eq!(calls(&s).len(), before, "nobody was called");
    s.assert_landed_once(&["g1"]);
}

#[test]
fn what_landed_is_audited_by_new_checks_and_reopened_by_new_tasks() {
    let s = Sandbox::project();
    s.agent(&counted(OBEDIENT));
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec]);
    let (id, tip) = (s.session(), s.git(&["rev-parse", &s.integ()]));
    // The verdict is about another spec now.
    let more = || with_check(Shape::of(2), 0, there("g1/work"));
    let said = amend(&s, &more());
    assert!(said.stdout.contains("the next audit judges it"), "{}", said.stdout);
    assert!(s.run(1, &["status"]).stdout.contains("unverified"));
    s.run(1, &["land"]);
    s.run(0, &["run", "--resume", &id]);
    assert_eq!((calls(&s).len(), s.git(&["rev-parse", &s.integ()])), (2, tip.clone()));

    // An agent that has nothing to add to what is there.
    let told = |task: &str| more().with(|v| v["groups"][1]["tasks"] = json!([task]));
    amend(&s, &told("be glad"));
    assert!(s.run(1, &["status"]).stdout.contains("sent back"));
    s.run(0, &["run", "--resume", &id]);
    assert_eq!(calls(&s)[2..], ["g2 build"]);
    assert_eq!(s.git(&["rev-parse", &s.integ()]), tip, "good as it is");

    amend(&s, &told("make extra thing"));
    s.run(0, &["run", "--resume", &id]);
    assert_eq!(calls(&s)[3..], ["g2 build"]);
    // Two equal groups land in either order.
    assert!(matches!(&s.landings()[..], [_, _, last] if last == "g2"), "{:?}", s.landings());
    s.run(0, &["verify"]);

    // A check that is red in the product is a defect of its owner.
    let extra = check("g1", "g1-extra", &["sh", "-c", "test -f g1/extra # extra extra"]);
    let shape = told("make extra thing").with(|v| {
        v["groups"][0]["checks"].as_array_mut().expect("checks").push(extra);
    });
    amend(&s, &shape);
    s.run(0, &["run", "--resume", &id]);
    assert_eq!(calls(&s)[4..], ["g1 fix"]);
}

#[test]
fn a_vacuous_check_of_what_landed_proves_nothing() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    let green = check("g1", "green", &["test", "-f", "README.md"]);
    amend(&s, &with_check(Shape::of(1), 0, green));
    let id = s.session();
    s.run(1, &["run", "--resume", &id]);
    let audit = s.events("audit.check.finished");
    let last = audit.iter().rfind(|e| e["data"]["check"] == "green").expect("it was asked");
    assert_eq!(last["data"]["outcome"]["reason"], "proves_nothing");
}

/// The builder of g1 waits in the middle of its turn.
fn while_g1_is_built(body: &str, then: impl FnOnce(&Sandbox)) -> Sandbox {
    let s = Sandbox::project();
    s.gate("gate");
    s.agent(&counted(&format!(
        "if [ \"$OTTO_GROUP\" = g1 ] && [ ! -e \"$HOME/marks/g1\" ]; then\n\
         : >\"$HOME/marks/g1\"; read x <\"$HOME/gate\"\nfi\n{body}"
    )));
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["compile", "--from-spec", &spec]);
    let run = s.start(&["run", "--resume"]);
    s.mark("g1");
    s.wait_for("merge.landed", 1);
    then(&s);
    s.open_gate("gate");
    assert_eq!(run.end(), 0, "{}", s.stderr());
    s
}

#[test]
fn an_attempt_under_way_is_judged_by_the_new_checks() {
    let s = while_g1_is_built(OBEDIENT, |s| {
        let extra = check("g1", "g1-extra", &["sh", "-c", "test -f g1/extra # extra extra"]);
        let said = amend(s, &with_check(Shape::of(2), 0, extra));
        assert!(said.stdout.contains("judged by the new spec"), "{}", said.stdout);
    });
    let ends = s.events("group.attempt.finished");
    let of_g1: Vec<&Value> =
        ends.iter().filter(|e| e["group"] == "g1").map(|e| &e["data"]["outcome"]).collect();
    assert_eq!(of_g1, ["checks_failed", "passing"]);
    assert_eq!(calls(&s).iter().filter(|c| c.starts_with("g2")).count(), 1);
    assert_eq!(sent_back(&s), []);
    s.assert_landed_once(&["g1", "g2"]);
}

#[test]
fn work_for_tasks_that_are_not_wanted_any_more_goes_back_and_is_kept() {
    let s = while_g1_is_built(OBEDIENT, |s| {
        amend(s, &Shape::of(2).with(|v| v["groups"][0]["tasks"] = json!(["make extra thing"])));
    });
    assert_eq!(sent_back(&s), [("g1".to_owned(), false)]);
    assert_eq!(calls(&s).iter().filter(|c| c.starts_with("g1")).count(), 2);
    assert_eq!(calls(&s).iter().filter(|c| c.starts_with("g2")).count(), 1);
    assert!(s.git(&["ls-tree", "-r", "--name-only", &s.integ()]).contains("g1/thing"));
    s.assert_landed_once(&["g1", "g2"]);
}

#[test]
fn what_was_tested_by_an_older_spec_does_not_land() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    s.gate("gate");
    s.on_check(
        r#"[ -e "$HOME/marks/checked" ] || { : >"$HOME/marks/checked"; read x <"$HOME/gate"; }"#,
    );
    // Another tree than the one that was checked, so that the check really runs.
    s.write("tests/more", "more\n");
    s.commit("more");
    s.run(0, &["merge", "--session", "latest", "--sync"]);
    let merge = s.start(&["merge", "--session", "latest", "--no-repair"]);
    s.mark("checked");
    amend(&s, &with_check(Shape::of(1), 0, check("g1", "never", &["test", "-f", "g1/never"])));
    s.open_gate("gate");
    assert_eq!(merge.end(), 1, "{}", s.stderr());
    assert!(!s.landings().contains(&"g1".to_owned()), "{:?}", s.landings());
}

#[test]
fn a_group_that_has_begun_is_not_left_out() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["compile", "--from-spec", &spec]);
    s.run(0, &["build-group", "--session", "latest", "--group", "g1"]);
    let only = |keep: usize| {
        Shape::of(2).with(|v| {
            for rows in ["groups", "features"] {
                v[rows] = json!([v[rows][keep]]);
            }
        })
    };
    let refused = |shape: &Shape, code| {
        let file = s.spec(shape);
        s.run(code, &["spec", "amend", "--reason", "less", "--file", &file])
    };
    assert!(refused(&only(1), 1).stderr.contains("otto abort"));
    refused(&only(0), 0);
    s.run(0, &["run", "--resume"]);
    s.assert_landed_once(&["g1"]);
}

#[test]
fn an_amendment_names_what_it_was_made_from() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    let first = s.run(0, &["spec", "show", "--json"]).stdout;
    amend(&s, &Shape::of(1).with(|v| v["non_goals"] = json!(["rocketry"])));
    let second = s.run(0, &["spec", "show", "--json"]).stdout;
    amend(&s, &Shape::of(1).with(|v| v["non_goals"] = json!(["rocketry", "surgery"])));
    // By hash, and by the chain in the file.
    let hash = otto::spec::parse(&first).expect("a spec").spec.content_hash().to_string();
    let file = s.at("old.json").to_string_lossy().into_owned();
    let again = ["spec", "amend", "--reason", "r", "--file", &file];
    write(&s.at("old.json"), &first.replace("The part", "A part"));
    let with = [&again[..], &["--expect", &hash]].concat();
    assert!(s.run(1, &with).stderr.contains("not"), "the hash is an older one");
    write(&s.at("old.json"), &second.replace("The part", "A part"));
    assert!(s.run(1, &again).stderr.contains("older version"));
    write(&s.at("old.json"), &second.replace("it needs more", "it needed more"));
    s.run(65, &again);
    assert_eq!(s.events("spec.amended").len(), 2);
    // An editor's copy, while somebody else amends.
    let other = s.spec(&Shape::of(1).with(|v| v["non_goals"] = json!(["sailing"])));
    s.script(
        &s.at("ed.sh"),
        &format!("#!/bin/sh\nsed -i 's/The part/My part/' \"$1\"\notto spec amend --reason faster --file {other}\n"),
    );
    let line = "EDITOR=$HOME/../ed.sh otto spec amend --reason slower";
    assert!(s.shell(1, line).stderr.contains("look at it again"));
    until("both", || (s.events("spec.amended").len() == 3).then_some(()));
}
