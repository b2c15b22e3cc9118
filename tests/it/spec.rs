//! Specs that are refused, and specs that a person changes.

use serde_json::json;

use crate::harness::{Sandbox, Shape};

#[test]
fn every_fault_of_a_spec_is_named_at_once() {
    let s = Sandbox::project();
    let shape = Shape::of(4).needs("g1", &["g9"]).check("g2", &["true"]).with(|v| {
        v["groups"][2]["owned_path"] = json!(["x"]);
        v["groups"][3]["checks"][0]["kind"] = json!("repo_tset");
        v["groups"][3]["id"] = json!("G 4");
        v["features"][0]["acceptance"] = json!([]);
        v["features"][1]["group"] = json!("nobody");
        v["groups"][1]["owned_paths"] = json!(["g1/**"]);
        v["groups"][0]["title"] = json!(7);
        v["project_kind"] = json!("clii");
        v["protected_paths"] = json!(["/etc"]);
        v["wishes"] = json!([]);
        v["intent_sha256"] = json!("00");
    });
    let spec = s.spec(&shape);
    let refused = s.run(65, &["compile", "--from-spec", &spec]);
    let faults: Vec<_> = refused.stderr.lines().filter(|l| l.starts_with("  ")).collect();
    assert!(faults.len() >= 6, "{}", refused.stderr);
    assert!(refused.stderr.contains("did you mean"), "{}", refused.stderr);
    assert!(!s.project.join("otto_logs").exists(), "no session is made of it");
    assert_eq!(
        s.run(65, &["spec", "check", &spec]).stderr.lines().count(),
        refused.stderr.lines().count()
    );
}

/// Twelve faults that are all of meaning, so that one look finds them all.
#[test]
fn twelve_faults_are_twelve_messages() {
    let s = Sandbox::project();
    let shape = Shape::of(6)
        .needs("g1", &["g9"])
        .needs("g2", &["g3"])
        .needs("g3", &["g2"])
        .check("g2", &["true"])
        .check("g3", &[])
        .with(|v| {
            v["features"][3]["acceptance"] = json!([]);
            v["groups"][3]["owned_paths"] = json!(["g5/**"]);
            v["groups"][4]["checks"][0]["timeout_s"] = json!(0);
            v["groups"][5]["checks"] = json!([]);
            v["groups"][0]["checks"][0]["features"] = json!(["f-nobody"]);
            v["protected_paths"] = json!(["/etc", "../x"]);
            v["shared_scaffold"] = json!([""]);
        });
    let spec = s.spec(&shape);
    let refused = s.run(65, &["run", "--from-spec", &spec]).stderr;
    let faults: Vec<_> = refused.lines().filter(|l| l.starts_with("  ")).collect();
    for path in [
        "groups[0].deps[0]",
        "groups[1].checks[0].argv",
        "groups[2].checks[0].argv",
        "features[3].acceptance",
        "groups[4].owned_paths[0]",
        "groups[4].checks[0].timeout_s",
        "groups[5].checks",
        "groups[0].checks[0].features[0]",
        "protected_paths[0]",
        "protected_paths[1]",
        "shared_scaffold[0]",
        "deps",
    ] {
        assert!(faults.iter().any(|f| f.contains(path)), "{path} is not in: {refused}");
    }
    assert!(faults.len() >= 12, "{refused}");
    assert!(!s.project.join("otto_logs").exists(), "no session is made of it");
}

#[test]
fn checks_that_cannot_fail_are_refused() {
    let s = Sandbox::project();
    for argv in [
        &["true"][..],
        &["/bin/true"],
        &[":"],
        &[""],
        &["sh", "-c", "exit 0"],
        &["sh", "-c", "make test || true"],
        &["env", "A=b", "timeout", "5", "true"],
    ] {
        let spec = s.spec(&Shape::of(1).check("g1", argv).check_key("g1", "counts", json!("exit")));
        let refused = s.run(65, &["spec", "check", &spec]);
        assert!(
            refused.stderr.contains("groups[0].checks[0].argv"),
            "{argv:?}: {}",
            refused.stderr
        );
    }
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    let s = Sandbox::project();
    for text in ["", "{", "[]", "null", "{\"v\":1,}", "{\"v\":1,\"v\":1}", "\u{0}", "not json"] {
        crate::harness::write(&s.at("spec.json"), text);
        let refused = s.run(65, &["compile", "--from-spec", "../spec.json"]);
        assert!(refused.stderr.contains("spec.json"), "{text:?}: {}", refused.stderr);
    }
    assert!(!s.project.join("otto_logs").exists());
}

#[test]
fn a_person_edits_before_and_amends_after_the_approval() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(77, &["compile", "--from-spec", &spec, "--review-gate"]);
    s.script(&s.at("ed.sh"), "#!/bin/sh\nsed -i 's/The part of g1/A better title/' \"$1\"\n");
    s.shell(0, "EDITOR=$HOME/../ed.sh otto spec edit");
    assert!(s.run(0, &["spec", "show"]).stdout.contains("A better title"));
    assert!(s.run(0, &["spec", "diff"]).stdout.contains("+"));
    s.run(0, &["spec", "approve"]);
    s.run(1, &["spec", "edit", "--file", &spec]);
    s.run(0, &["build-group", "--session", "latest", "--all"]);
    let changed = s.spec(&Shape::of(1).with(|v| v["groups"][0]["tasks"] = json!(["more"])));
    s.run(0, &["spec", "amend", "--reason", "it needs more", "--file", &changed]);
    // The same content again is no amendment.
    let again = s.run(0, &["spec", "amend", "--reason", "again", "--file", &changed]);
    assert!(again.stdout.contains("nothing changed"), "{}", again.stdout);
    assert_eq!(s.events("spec.amended").len(), 1);
    s.run(0, &["run", "--resume"]);
    s.run(0, &["verify", "--no-rerun"]);
}

#[test]
fn an_approved_spec_that_was_changed_by_hand_is_refused() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    let path = s.session_dir().join("spec/spec.json");
    let text = std::fs::read_to_string(&path).expect("a spec").replace("The part", "A part");
    std::fs::write(&path, text).expect("written");
    s.run(65, &["build-group", "--session", "latest", "--all"]);
    s.run(65, &["verify"]);
    assert_eq!(s.events("group.attempt.started").len(), 0);
}
