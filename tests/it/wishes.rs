//! What builders write about the spec: their own checks at once, everything else for a person.

use serde_json::{Value, json};

use crate::harness::{Sandbox, Shape};

/// Does its part, and leaves a file about the spec in its first attempt.
fn leaving(file: &str, then: &str) -> Sandbox {
    let s = Sandbox::project();
    s.agent(&format!(
        "cp \"$OTTO_PROMPT_FILE\" \"$HOME/prompt.$OTTO_GROUP.$OTTO_ATTEMPT\"\n\
         mkdir -p \"$OTTO_GROUP\" .otto; echo \"done $OTTO_GROUP\" >\"$OTTO_GROUP/work\"\n\
         if [ \"$OTTO_ATTEMPT\" = 1 ] && [ \"$OTTO_GROUP\" = g1 ]; then\n{file}\nfi\n{then}"
    ));
    s
}

fn written(file: &Value) -> String {
    format!("cat >.otto/amend.json <<'END'\n{file}\nEND")
}

fn adding(check: Value) -> String {
    written(&json!({"reason": "it misses this", "add_checks": [check]}))
}

fn needs(path: &str) -> Value {
    json!({"id": "g1-own", "kind": "repo_test", "features": ["f-g1"], "counts": "exit",
           "argv": ["test", "-f", path]})
}

fn told(s: &Sandbox, attempt: u32) -> String {
    let prompt = s.home(&format!("prompt.g1.{attempt}"));
    std::fs::read_to_string(prompt).expect("an attempt")
}

fn run(s: &Sandbox, code: i32) {
    let spec = s.spec(&Shape::of(2));
    s.run(code, &["run", "--from-spec", &spec]);
}

fn files(s: &Sandbox) -> String {
    s.git(&["ls-tree", "-r", "--name-only", &s.integ()])
}

#[test]
fn a_check_that_a_builder_adds_judges_that_very_attempt() {
    let then = r#"if [ "$OTTO_ATTEMPT" = 2 ]; then : >"$OTTO_GROUP/own"; fi"#;
    let s = leaving(&adding(needs("g1/own")), then);
    run(&s, 0);
    let ends = s.events("group.attempt.finished");
    let of_g1 = ends.iter().filter(|e| e["group"] == "g1").map(|e| &e["data"]["outcome"]);
    assert_eq!(of_g1.collect::<Vec<_>>(), ["checks_failed", "passing"]);
    let amended = s.events("spec.amended");
    assert_eq!(amended.len(), 1);
    assert_eq!(amended[0]["data"]["by"], "group:g1");
    assert_eq!(amended[0]["data"]["trigger"], "attempt 1 of g1");
    // It is asked on the base first, and never committed; the others hear nothing of it.
    let checked = s.events("group.check.finished");
    let phases = checked.iter().filter(|e| e["data"]["check"] == "g1-own");
    let phases: Vec<&str> = phases.map(|e| e["data"]["phase"].as_str().expect("one")).collect();
    assert_eq!(phases, ["base", "attempt", "attempt", "candidate"]);
    assert!(!files(&s).contains(".otto"), "{}", files(&s));
    assert_eq!(ends.iter().filter(|e| e["group"] == "g2").count(), 1);
    assert!(s.run(0, &["spec", "log"]).stdout.contains("amended by group:g1: it misses this"));
    s.run(0, &["verify"]);
}

#[test]
fn the_next_attempt_works_by_what_was_added() {
    let s =
        leaving(&adding(needs("g1/own")), r#"! grep -q g1/own "$OTTO_PROMPT_FILE" || : >g1/own"#);
    run(&s, 0);
    assert!(told(&s, 2).contains("g1-own"));
}

/// The file, what its builder is told, and what a person sees of it.
fn refused(file: &str, why: &str) {
    // Red at first, so that there is a next attempt to be told.
    let then = r#"if [ "$OTTO_ATTEMPT" = 1 ]; then echo wrong >"$OTTO_GROUP/work"; fi"#;
    let s = leaving(file, then);
    run(&s, 0);
    assert_eq!(s.events("spec.amended").len(), 0, "{why}");
    let told = told(&s, 2);
    assert!(told.contains(".otto/amend.json was refused") && told.contains(why), "{why}: {told}");
    let seen = s.run(0, &["spec", "requests"]).stdout;
    assert!(seen.contains("refused") && seen.contains(why), "{why}: {seen}");
    assert!(!files(&s).contains(".otto"), "{}", files(&s));
    assert_eq!(s.events("spec.requested").len(), 1);
    s.run(0, &["verify"]);
}

#[test]
fn a_vacuous_check_is_refused() {
    refused(
        &adding(json!({"id": "g1-own", "kind": "repo_test", "argv": ["true"], "counts": "exit"})),
        "add_checks[0].argv",
    );
}

#[test]
fn a_check_that_is_green_on_the_base_is_refused() {
    refused(&adding(needs("README.md")), "prove nothing: g1-own");
}

#[test]
fn another_check_under_a_known_name_is_refused() {
    let mut own = needs("g1/work");
    own["id"] = json!("g1-tests");
    refused(&adding(own), "g1-tests");
}

#[test]
fn another_groups_check_is_refused() {
    let mut foreign = needs("g1/work");
    foreign["id"] = json!("g2-tests");
    refused(&adding(foreign), "g2-tests");
}

#[test]
fn what_is_no_amendment_is_refused() {
    refused(&written(&json!({"reason": "r", "remove_checks": ["g1-tests"]})), "unknown field");
}

#[test]
fn a_link_to_a_secret_is_not_read() {
    let file = r#"echo '{"reason": "top-secret"}' >"$HOME/secret"
ln -s "$HOME/secret" .otto/amend.json"#;
    refused(file, "a link");
}

#[test]
fn a_hundred_megabytes_are_not_read() {
    refused("truncate -s 100M .otto/amend.json", "larger than");
}

#[test]
fn a_folder_behind_a_link_is_not_followed_and_not_committed() {
    let s = leaving(
        r#"rmdir .otto; mkdir "$HOME/outside"; echo '{}' >"$HOME/outside/amend.json"; ln -s "$HOME/outside" .otto"#,
        r#"[ "$OTTO_ATTEMPT" = 1 ] || rm -f .otto"#,
    );
    run(&s, 0);
    let ends = s.events("group.attempt.finished");
    let first = ends.iter().find(|e| e["group"] == "g1").expect("an attempt");
    assert_eq!(first["data"]["violations"][0]["rule"], "link_out");
    assert!(s.home("outside/amend.json").exists());
}

#[test]
fn a_wish_blocks_nothing_and_a_person_accepts_it() {
    let wish = json!({"reason": "the format is shared",
        "wish": {"text": "let me write lib/", "owned_paths": ["g1/**", "lib/**"]}});
    let s = leaving(&written(&wish), "");
    run(&s, 0);
    assert_eq!(s.events("group.attempt.finished").len(), 2);
    assert!(s.run(0, &["status"]).stdout.contains("otto spec requests"));
    let seen = s.run(0, &["spec", "requests"]).stdout;
    assert!(seen.contains("open  group g1, attempt 1: the format is shared"), "{seen}");
    assert!(seen.contains("let me write lib/"), "{seen}");
    s.run(2, &["spec", "amend", "--accept", "2"]);
    let said = s.run(0, &["spec", "amend", "--accept", "1"]).stdout;
    assert!(said.contains("g1: its paths"), "{said}");
    let amended = &s.events("spec.amended")[0]["data"];
    assert_eq!(amended["by"], "user:tester");
    assert_eq!(amended["trigger"], "request 1 of g1");
    s.run(1, &["spec", "amend", "--accept", "1"]);
    assert!(s.run(0, &["spec", "requests"]).stdout.contains("accepted"));
    let id = s.session();
    s.run(0, &["run", "--resume", &id]);
    s.run(0, &["verify"]);
}

#[test]
fn a_wish_in_words_is_declined_or_done_by_hand() {
    let wish = json!({"reason": "r", "wish": {"text": "drop the second feature"}});
    let s = leaving(&written(&wish), "");
    run(&s, 0);
    s.run(0, &["spec", "decline", "--request", "1", "-m", "we need it"]);
    let seen: Value = serde_json::from_str(&s.run(0, &["spec", "requests", "--json"]).stdout)
        .expect("one object");
    assert_eq!((&seen["state"], &seen["note"]), (&json!("declined"), &json!("we need it")));
    assert!(!s.run(0, &["status"]).stdout.contains("spec requests"));
}

/// A check that would count for a feature of another group is more than a group may add.
#[test]
fn what_would_prove_another_groups_feature_is_passed_on() {
    let mut foreign = needs("g1/work");
    foreign["features"] = json!(["f-g2"]);
    let s = leaving(&adding(foreign), "");
    run(&s, 0);
    assert_eq!(s.events("spec.amended").len(), 0);
    let seen = s.run(0, &["spec", "requests"]).stdout;
    assert!(seen.contains("open") && seen.contains("features of others"), "{seen}");
}

#[test]
fn an_agent_does_not_decide_with_our_own_programs() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(77, &["compile", "--from-spec", &spec, "--review-gate"]);
    for line in ["approve", "reject -m no", "edit --file ../spec.json"] {
        let refused = s.shell(1, &format!("OTTO_ROLE=build otto spec {line}"));
        assert!(refused.stderr.contains(".otto/amend.json"), "{}", refused.stderr);
    }
    s.run(0, &["spec", "approve"]);
    s.shell(1, "OTTO_ROLE=build otto spec amend --reason easier --file ../spec.json");
    assert_eq!((s.events("spec.approved").len(), s.events("spec.amended").len()), (1, 0));
}

/// A project that has a file of that name has a file like any other.
#[test]
fn a_projects_own_file_is_left_alone() {
    let s = leaving("true", "");
    s.write(".otto/amend.json", "{\"mine\": true}\n");
    s.commit("a file of ours");
    run(&s, 0);
    assert_eq!(s.events("spec.requested").len(), 0);
    assert!(files(&s).contains(".otto/amend.json"));
}
