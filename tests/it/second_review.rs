//! What a second hostile review and a newcomer found, each so that it cannot come back.

use serde_json::json;

use crate::harness::{Sandbox, Shape};

#[test]
fn an_amended_spec_is_audited_again_before_anything_lands() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    let text = s.run(0, &["spec", "show", "--json"]).stdout;
    let mut changed: serde_json::Value = serde_json::from_str(&text).expect("a spec");
    changed["groups"][0]["checks"][0]["argv"] =
        json!(["sh", "-c", "echo '1..1'; echo 'not ok 1 - more'"]);
    s.write("../changed.json", &changed.to_string());
    s.run(0, &["spec", "amend", "--reason", "it has to do more", "--file", "../changed.json"]);
    let status = s.run(1, &["status"]);
    assert!(status.stdout.contains("verdict unverified"), "{}", status.stdout);
    s.run(1, &["land"]);
    s.run(1, &["audit", "--session", "latest"]);
    s.run(1, &["land"]);
}

#[test]
fn a_link_that_leads_out_of_the_tree_is_a_violation() {
    for target in ["/etc/hostname", "../../outside"] {
        let s = Sandbox::project();
        s.agent(&format!(
            r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"
[ "$OTTO_ATTEMPT" -gt 1 ] && rm -f "$OTTO_GROUP/link" || ln -s {target} "$OTTO_GROUP/link""#
        ));
        let spec = s.spec(&Shape::of(1));
        s.run(0, &["run", "--from-spec", &spec]);
        let first = &s.events("group.attempt.finished")[0]["data"];
        assert_eq!(first["outcome"], "violation", "{target}");
        assert_eq!(first["violations"][0]["path"], "g1/link");
    }
}

#[test]
fn the_brief_says_how_to_restore_a_file() {
    let s = Sandbox::project();
    s.agent(
        r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"
if [ "$OTTO_ATTEMPT" = 1 ]; then echo x >>tests/check.sh; else
    sh -c "$(sed -n 's/^ *restore it: //p' "$OTTO_PROMPT_FILE")"; fi"#,
    );
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    assert_eq!(s.events("group.attempt.finished").len(), 2);
}

#[test]
fn a_branch_that_was_put_back_costs_no_endless_turns() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["compile", "--from-spec", &spec]);
    s.git(&["branch", &s.build_ref("g1").replace("refs/heads/", ""), "main"]);
    s.run(0, &["run", "--resume", "latest"]);
    assert_eq!(s.events("group.attempt.started").len(), 1);
}

#[test]
fn a_pipe_builds_what_only_a_landing_made_possible() {
    let s = Sandbox::project();
    s.agent(
        r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"
[ "$OTTO_GROUP" = g3 ] || { touch shared.txt; echo "$OTTO_GROUP" >>shared.txt; }"#,
    );
    let spec = s.spec(&Shape::of(3).shared(&["shared.txt"]).needs("g3", &["g1", "g2"]));
    s.shell(0, &format!("otto compile --from-spec {spec} | otto build-group --all | otto merge | otto audit | otto render"));
    s.assert_landed_once(&["g1", "g2", "g3"]);
}

#[test]
fn one_group_can_be_merged_by_name() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["compile", "--from-spec", &spec]);
    s.run(0, &["build-group", "--group", "g2"]);
    s.run(0, &["merge", "--group", "g2"]);
    let whole = s.run(1, &["merge"]);
    assert!(whole.stderr.contains("not in yet: g1 (pending)"), "{}", whole.stderr);
}

#[test]
fn an_aborted_session_is_worked_on_no_more() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec]);
    s.run(0, &["abort", "latest", "--reason", "asked for the wrong thing"]);
    for step in [&["land"][..], &["merge"], &["audit"], &["build-group", "--all"], &["abort"]] {
        s.run(1, step);
    }
    s.run(1, &["run", "--resume", "latest"]);
}

#[test]
fn a_work_by_hand_on_a_landed_group_is_said() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    let branch = s.build_ref("g1");
    let tree = s.git(&["rev-parse", &format!("{branch}^{{tree}}")]);
    let late = s.git(&["commit-tree", "-p", &branch, "-m", "late", tree.trim()]);
    s.git(&["update-ref", &branch, late.trim()]);
    let said = s.run(77, &["merge"]);
    assert!(said.stderr.contains("by hand"), "{}", said.stderr);
}

#[test]
fn prepared_files_that_are_ignored_or_not_are_never_the_agents_work() {
    for ignored in [true, false] {
        let s = Sandbox::project();
        s.write("deps.lock", "v1\n");
        s.script(
            &s.project.join("prep.sh"),
            "#!/bin/sh\nmkdir -p vendor && cp deps.lock vendor/lib\n",
        );
        if ignored {
            s.write(".gitignore", "vendor/\n");
        }
        s.commit("with a prepare step");
        s.agent(
            r#"cat vendor/lib >/dev/null || exit 1
mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
        );
        let spec = s.spec(&Shape::of(1));
        let step =
            r#"prepare=[{"argv": ["./prep.sh"], "inputs": ["deps.lock"], "outputs": ["vendor"]}]"#;
        s.run(0, &["run", "--from-spec", &spec, "-c", step]);
        let files = s.git(&["ls-tree", "-r", "--name-only", &s.integ()]);
        assert!(!files.contains("vendor"), "{files}");
    }
}
