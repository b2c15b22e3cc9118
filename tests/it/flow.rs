//! A whole run, its steps as a pipe, and the groups of a run that goes wrong.

use crate::harness::{Sandbox, Shape};

#[test]
fn a_run_lands_every_group_once_and_passes() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(3).needs("g3", &["g1"]));
    let done = s.run(0, &["run", "--from-spec", &spec]);
    assert!(done.stdout.contains("passed"), "{}", done.stdout);
    s.assert_landed_once(&["g1", "g2", "g3"]);
    let landed = s.landings();
    let place = |g: &str| landed.iter().position(|l| l == g);
    assert!(place("g1") < place("g3"), "{landed:?}");
    assert_eq!(s.story().len(), 4);
    // Nothing of it is in the user's branch until they take it.
    assert!(!s.project.join("g1").exists());
    s.run(0, &["land"]);
    assert_eq!(s.read("g3/work"), "done g3\n");
    assert_eq!(s.git(&["status", "--porcelain"]), "");
    assert_eq!(s.leftovers(), [0; 0]);
}

#[test]
fn an_agent_compiles_the_spec_and_is_told_exactly_its_mistakes() {
    let s = Sandbox::project();
    let good = s.spec(&Shape::of(1));
    let bad = s.at("bad.json");
    let text = std::fs::read_to_string(&good).expect("a spec").replace("owned_paths", "owns");
    std::fs::write(&bad, text).expect("written");
    s.agent(&format!(
        r#"if [ "$OTTO_ROLE" = spec ]; then
    if [ "$OTTO_ATTEMPT" = 1 ]; then cp '{bad}' "$OTTO_OUTPUT"; else cp '{good}' "$OTTO_OUTPUT"; fi
    cp "$OTTO_PROMPT_FILE" "$HOME/prompt.spec.$OTTO_ATTEMPT"
    exit 0
fi
mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
        bad = bad.display()
    ));
    s.run(0, &["run", "parts"]);
    let told = std::fs::read_to_string(s.home("prompt.spec.2")).expect("a second turn");
    assert!(told.contains("owns"), "{told}");
    assert_eq!(s.events("spec.compiled")[0]["data"]["turns"], 2);
    s.assert_landed_once(&["g1"]);
}

#[test]
fn a_group_that_fails_does_not_stop_the_others() {
    let s = Sandbox::project();
    s.agent(
        r#"[ "$OTTO_GROUP" != g1 ] || { mkdir -p g1; echo wrong >g1/work; exit 0; }
mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
    );
    let spec = s.spec(&Shape::of(4).needs("g3", &["g1"]).needs("g4", &["g3"]));
    s.run(1, &["run", "--from-spec", &spec]);
    s.assert_landed_once(&["g2"]);
    let failed = s.events("group.failed");
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["group"], "g1");
    let mut blocked: Vec<_> =
        s.events("group.blocked").iter().map(|e| e["group"].to_string()).collect();
    blocked.sort();
    blocked.dedup();
    assert_eq!(blocked, ["\"g3\"", "\"g4\""]);
    // A verdict that is not passed lands nothing by itself.
    let refused = s.run(1, &["land"]);
    assert!(refused.stderr.contains("verdict"), "{}", refused.stderr);
}

#[test]
fn a_spec_waits_for_a_person_when_the_gate_is_on() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    let waits = s.run(77, &["run", "--from-spec", &spec, "--review-gate"]);
    assert!(waits.stderr.contains("spec approve"), "{}", waits.stderr);
    assert_eq!(s.events("spec.approved").len(), 0);
    assert_eq!(s.run(77, &["run", "--resume"]).code, 77);
    s.run(0, &["spec", "approve"]);
    s.run(0, &["run", "--resume"]);
    s.assert_landed_once(&["g1"]);
}

#[test]
fn a_rejected_spec_is_not_built() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(77, &["compile", "--from-spec", &spec, "--review-gate"]);
    s.run(0, &["spec", "reject", "-m", "too small"]);
    let built = s.run(77, &["build-group", "--all"]);
    assert!(built.stderr.contains("reject"), "{}", built.stderr);
    s.run(77, &["spec", "approve"]);
    assert_eq!(s.landings(), [""; 0]);
}

#[test]
fn auto_approve_goes_on_at_once() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(77, &["run", "--from-spec", &spec, "--review-gate"]);
    s.run(0, &["run", "--resume", "--auto-approve"]);
    s.assert_landed_once(&["g1"]);
}

#[test]
fn what_is_run_by_hand_is_shown() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec]);
    let sid = s.session();
    assert!(s.run(0, &["status"]).stdout.contains(&sid));
    assert!(s.run(0, &["sessions"]).stdout.contains(&sid));
    assert!(s.run(0, &["log"]).stdout.contains("g2"));
    assert!(s.run(0, &["config"]).stdout.contains("otto.yaml"));
    assert!(s.run(0, &["spec", "show"]).stdout.contains("The part of g1"));
    s.run(0, &["check", "--session", &sid, "--group", "g1"]);
    let red = s.run(1, &["check", "--session", &sid, "--group", "g1", "--at", "main"]);
    assert!(red.stdout.contains("failed"), "{}", red.stdout);
    // From any folder, and any unique prefix.
    let below = s.project.join("tests");
    let line = format!("cd '{}' && otto status {}", below.display(), &sid[..12]);
    assert!(s.shell(0, &line).stdout.contains(&sid));
}
