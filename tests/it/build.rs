//! What an attempt is worth: ownership, checks that mean something, and what a person does by hand.

use crate::harness::{Sandbox, Shape};

#[test]
fn a_write_outside_is_told_retried_and_never_lands() {
    let s = Sandbox::project();
    s.agent(
        r#"mkdir -p g1; echo "done g1" >g1/work
if [ "$OTTO_ATTEMPT" = 1 ]; then echo mine >README.md; echo x >tests/extra; else
    cp "$OTTO_PROMPT_FILE" "$HOME/told"; echo "A project." >README.md; rm tests/extra
fi"#,
    );
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    let told = std::fs::read_to_string(s.home("told")).expect("a second attempt");
    assert!(told.contains("- README.md: ") && told.contains("- tests/extra: "), "{told}");
    let first = &s.events("group.attempt.finished")[0]["data"];
    assert_eq!(first["outcome"], "violation");
    assert_eq!(first["violations"].as_array().map(Vec::len), Some(2), "{first}");
    s.assert_landed_once(&["g1"]);
    assert_eq!(s.git(&["diff", "--name-only", "main", &s.integ()]), "g1/work");
}

#[test]
fn a_group_that_keeps_writing_outside_fails() {
    let s = Sandbox::project();
    s.agent(r#"mkdir -p g1; echo "done g1" >g1/work; echo "$OTTO_ATTEMPT" >otto.yaml"#);
    let spec = s.spec(&Shape::of(1));
    s.run(1, &["run", "--from-spec", &spec]);
    assert_eq!(s.landings(), [""; 0]);
    let reason = s.events("group.failed")[0]["data"]["reason"].to_string();
    assert!(reason.contains("wrote outside"), "{reason}");
}

#[test]
fn no_work_is_no_attempt_that_passes() {
    let s = Sandbox::project();
    s.agent("echo 'all done, everything works'");
    let spec = s.spec(&Shape::of(1));
    s.run(1, &["run", "--from-spec", &spec]);
    let outcomes: Vec<_> = s
        .events("group.attempt.finished")
        .iter()
        .map(|e| e["data"]["outcome"].as_str().expect("a word").to_owned())
        .collect();
    assert_eq!(outcomes, ["no_change", "no_change"], "the same failure twice is not tried again");
}

/// Checks that say yes and show nothing.
#[test]
fn a_green_that_shows_nothing_is_red() {
    let hollow = [
        ("zero_tests", "echo 1..0"),
        ("no_counts", "echo all good"),
        ("no_counts", "grep -q never README.md || true"),
        ("all_skipped", "echo 1..1; echo 'ok 1 - a # SKIP later'"),
        ("counts_disagree", "echo 1..1; echo 'not ok 1 - a'"),
        ("plan_unfulfilled", "echo 1..3; echo 'ok 1 - a'"),
    ];
    for (reason, script) in hollow {
        let s = Sandbox::project();
        s.write("tests/hollow.sh", script);
        s.commit("a check that shows nothing");
        let spec = s.spec(&Shape::of(1).check("g1", &["sh", "tests/hollow.sh"]));
        s.run(1, &["run", "--from-spec", &spec, "--attempts", "1"]);
        let seen: Vec<_> = s
            .events("group.check.finished")
            .iter()
            .map(|e| e["data"]["outcome"]["reason"].as_str().unwrap_or("").to_owned())
            .collect();
        assert!(seen.iter().any(|r| r == reason), "{script}: {seen:?}");
        assert_eq!(s.landings(), [""; 0], "{script}");
    }
}

#[test]
fn a_check_that_is_green_without_the_work_proves_nothing() {
    let s = Sandbox::project();
    s.write("tests/green.sh", "echo 1..1; echo 'ok 1 - always'");
    s.commit("always green");
    let spec = s.spec(&Shape::of(1).check("g1", &["sh", "tests/green.sh"]));
    s.run(1, &["run", "--from-spec", &spec]);
    let reason = s.events("group.failed")[0]["data"]["reason"].to_string();
    assert!(reason.contains("prove nothing"), "{reason}");
    assert_eq!(s.events("group.attempt.started").len(), 0, "no turn is spent on it");
}

#[test]
fn a_tool_that_is_missing_is_no_pass() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1).check("g1", &["no-such-tool", "--test"]));
    s.run(1, &["run", "--from-spec", &spec, "--attempts", "1"]);
    assert_eq!(s.landings(), [""; 0]);
}

#[test]
fn a_group_by_hand_needs_its_dependencies_and_spends_no_turn_twice() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2).needs("g2", &["g1"]));
    s.run(0, &["compile", "--from-spec", &spec]);
    let early = s.run(1, &["build-group", "--session", "latest", "--group", "g2"]);
    assert!(early.stderr.contains("g1"), "{}", early.stderr);
    let unknown = s.run(2, &["build-group", "--session", "latest", "--group", "g11"]);
    assert!(unknown.stderr.contains("did you mean"), "{}", unknown.stderr);
    s.run(0, &["build-group", "--session", "latest", "--group", "g1"]);
    s.run(0, &["build-group", "--session", "latest", "--group", "g1"]);
    assert_eq!(s.events("group.attempt.started").len(), 1);
    s.run(0, &["build-group", "--session", "latest", "--group", "g2"]);
    let base = &s.events("group.attempt.started")[1]["data"];
    assert_eq!(base["dep_heads"]["g1"], s.git(&["rev-parse", &s.build_ref("g1")]));
    s.run(0, &["merge", "--session", "latest"]);
    s.assert_landed_once(&["g1", "g2"]);
}

#[test]
fn what_git_ignores_is_left_out_and_said() {
    let s = Sandbox::project();
    s.write(".gitignore", "*.log\n");
    s.commit("ignore");
    s.agent(r#"mkdir -p g1; echo "done g1" >g1/work; echo x >g1/run.log"#);
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    let left = &s.events("group.attempt.finished")[0]["data"]["left_out"];
    assert_eq!(left, &serde_json::json!(["g1/run.log"]));
}

#[test]
fn an_agents_own_commits_count_as_its_tree_only() {
    let s = Sandbox::project();
    s.agent(
        r#"mkdir -p g1; echo "done g1" >g1/work
git add -A && git -c user.name=A -c user.email=a@b commit -qm "my own" || :
git branch -f stolen 2>/dev/null || :"#,
    );
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    let subjects = s.git(&["log", "--format=%s", &format!("main..{}", s.integ())]);
    assert!(!subjects.contains("my own"), "{subjects}");
}
