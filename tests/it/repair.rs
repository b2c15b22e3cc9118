//! Repair: product failures, to the owner of the failing path, never twice the same way, and never
//! for ever.

use serde_json::{Value, json};

use crate::harness::{Sandbox, Shape, write};

/// A held-out scenario: `argv` prints `wanted`.
fn scenario(s: &Sandbox, id: &str, features: &[&str], argv: &[&str], wanted: &str) {
    let text = json!({"v": 1, "id": id, "title": id, "features": features, "severity": "critical",
        "check": {"id": id, "kind": "cli_probe", "argv": argv, "stdout": {"equals": wanted}}});
    write(&s.project.join(format!(".git/otto/scenarios/{id}.json")), &text.to_string());
}

/// Groups of `repair.started`, in order.
fn repaired(s: &Sandbox) -> Vec<String> {
    let group = |e: &Value| e["group"].as_str().expect("a group").to_owned();
    s.events("repair.started").iter().map(group).collect()
}

/// Every landing is followed by a full audit of it, or the verdict says that there is none.
fn the_last_tip_is_audited(s: &Sandbox) {
    let tip = s.git(&["rev-parse", &s.integ()]);
    let started = s.events("audit.started");
    let last = started.iter().rfind(|e| e["data"]["scope"] == "full").expect("an audit");
    assert_eq!(last["data"]["tip"], tip, "the tree that is there was judged");
    let round = &last["data"]["round"];
    assert!(s.events("audit.finished").iter().any(|e| e["data"]["round"] == *round));
}

#[test]
fn a_failure_goes_to_the_owner_of_the_path_in_its_trace() {
    let s = Sandbox::project();
    // The scenario calls what g1 owns; the trace leads to g2, whose file is wrong.
    s.agent(
        r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"
case $OTTO_GROUP in
g1) echo '. g2/lib.sh; greet || { echo "g2/lib.sh:1: greet failed" >&2; exit 1; }' >g1/run ;;
g2) echo 'greet() { return 1; }' >g2/lib.sh ;;
esac
if [ "$OTTO_ROLE" = fix ]; then echo 'greet() { echo hello; }' >g2/lib.sh; fi"#,
    );
    scenario(&s, "greets", &["f-g1"], &["sh", "g1/run"], "hello\n");
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec]);
    assert_eq!(repaired(&s), ["g2"]);
    let found = &s.events("audit.finding")[0]["data"]["finding"];
    assert_eq!(found["group"], "g2");
    assert_eq!(found["failure"]["paths"], json!(["g2/lib.sh"]));
    let why = found["failure"]["routed"].as_str().expect("why");
    assert!(why.contains("`g2/lib.sh`"), "{why}");
    the_last_tip_is_audited(&s);
    // Narrowed after the repair, then full once.
    let scopes: Vec<Value> =
        s.events("audit.started").iter().map(|e| e["data"]["scope"].clone()).collect();
    assert_eq!(scopes, ["full", "narrowed", "full"]);
}

#[test]
fn by_hand_it_says_where_each_failure_goes_and_why() {
    let s = Sandbox::project();
    scenario(&s, "extra", &["f-g1", "f-g2"], &["cat", "g1/extra"], "extra\n");
    s.agent(
        r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"
[ "$OTTO_ROLE" != fix ] || echo extra >"$OTTO_GROUP/extra""#,
    );
    let spec = s.spec(&Shape::of(2));
    s.shell(0, &format!("otto compile --from-spec {spec} | otto build-group --all | otto merge"));
    s.run(1, &["audit", "--session", "latest"]);
    let done = s.run(0, &["repair", "--session", "latest"]);
    assert!(done.stderr.contains("g1: to be repaired (retry)"), "{}", done.stderr);
    assert!(done.stderr.contains("scenario-extra: `g1/extra` is named in"), "{}", done.stderr);
    assert!(done.stdout.contains(r#""otto":"repair""#), "{}", done.stdout);
    s.run(0, &["audit", "--session", "latest"]);
}

#[test]
fn the_same_failure_is_not_tried_twice_and_another_one_of_the_same_check_is() {
    let s = Sandbox::project();
    // Repaired, it fails in another way: the scenario's own check is red on the work, so it does not
    // land, and the next audit sees what was there before.
    scenario(&s, "extra", &["f-g1"], &["cat", "g1/extra"], "extra\n");
    s.agent(r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#);
    let spec = s.spec(&Shape::of(1));
    s.run(1, &["run", "--from-spec", &spec]);
    assert_eq!(repaired(&s).len(), 1);
    let done = s.run(0, &["repair", "--session", "latest"]);
    assert!(done.stderr.contains("nothing to repair"), "{}", done.stderr);
    // A person writes down what the builder did not know: that is another way.
    write(&s.session_dir().join("context/g1.md"), "The extra is a file.\n");
    s.run(1, &["repair", "--session", "latest"]);
    let events = s.events("repair.started");
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["data"]["failures"], events[1]["data"]["failures"]);
    assert_ne!(events[0]["data"]["strategy"], events[1]["data"]["strategy"]);
    s.run(0, &["repair", "--session", "latest"]);
    assert_eq!(s.events("repair.started").len(), 2, "and not that way twice");
}

/// Mending the one breaks the other, and the other way round.
#[test]
fn repairs_that_undo_each_other_end_with_a_reason_and_a_judgement() {
    let s = Sandbox::project();
    scenario(&s, "left", &["f-g1"], &["cat", "g1/side"], "left\n");
    scenario(&s, "right", &["f-g1"], &["sh", "-c", "tr l r <g1/side"], "right\n");
    s.agent(
        r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"
[ -f g1/side ] || echo left >g1/side
if [ "$OTTO_ROLE" = fix ]; then
    if grep -q "^- left:" "$HOME/prompt.g1"; then echo left >g1/side; else echo right >g1/side; fi
fi"#,
    );
    let spec = s.spec(&Shape::of(1));
    let done = s.run(1, &["run", "--from-spec", &spec]);
    let stopped = s.events("repair.stopped");
    assert_eq!(stopped.len(), 1, "{}", done.stderr);
    assert_eq!(stopped[0]["data"]["reason"], "oscillation");
    assert_eq!(repaired(&s).len(), 2);
    the_last_tip_is_audited(&s);
    let status = s.run(0, &["log", "latest"]).stdout;
    assert!(status.contains("repair ended: oscillation"), "{status}");
}

#[test]
fn what_is_no_product_failure_is_never_repaired() {
    let s = Sandbox::project();
    // The tool that the scenario needs is not there: a gap in the proof, and nobody's defect.
    scenario(&s, "gap", &["f-g1"], &["no-such-tool-anywhere"], "x");
    let spec = s.spec(&Shape::of(1));
    s.run(1, &["run", "--from-spec", &spec]);
    assert_eq!(s.events("audit.finding")[0]["data"]["finding"]["kind"], "proof_gap");
    assert_eq!(repaired(&s), [""; 0]);
}

#[test]
fn the_pilot_decides_how_a_failure_is_tried_again() {
    let s = Sandbox::project();
    scenario(&s, "extra", &["f-g1"], &["cat", "g1/extra"], "extra\n");
    s.agent(
        r#"if [ "$OTTO_ROLE" = pilot ]; then
    echo asked >>"$HOME/piloted"
    if [ "$(wc -l <"$HOME/piloted")" = 1 ]; then
        echo '{"groups": {"g1": {"strategy": "retry"}}}' >"$OTTO_OUTPUT"
    else
        echo '{"groups": {"g1": {"strategy": "retry_different", "guidance": "write the extra"}}}' >"$OTTO_OUTPUT"
    fi
    exit 0
fi
mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"
if grep -q "write the extra" "$HOME/prompt.$OTTO_GROUP"; then echo extra >g1/extra; fi"#,
    );
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec, "-c", "agents.pilot.provider=command"]);
    let ways: Vec<Value> =
        s.events("repair.started").iter().map(|e| e["data"]["strategy"]["way"].clone()).collect();
    assert_eq!(ways, ["retry", "retry_different"]);
    let after: Vec<Value> =
        s.events("pilot.asked").iter().map(|e| e["data"]["after"].clone()).collect();
    assert_eq!(after, ["audit", "audit"]);
    the_last_tip_is_audited(&s);
}

#[test]
fn what_the_pilot_skips_is_not_repaired() {
    let s = Sandbox::project();
    scenario(&s, "extra", &["f-g1"], &["cat", "g1/extra"], "extra\n");
    s.agent(
        r#"if [ "$OTTO_ROLE" = pilot ]; then
    echo '{"groups": {"g1": {"strategy": "skip"}}}' >"$OTTO_OUTPUT"; exit 0
fi
mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
    );
    let spec = s.spec(&Shape::of(2));
    s.run(1, &["run", "--from-spec", &spec, "-c", "agents.pilot.provider=command"]);
    assert_eq!(repaired(&s), [""; 0]);
    let mut landed = s.landings();
    landed.sort();
    assert_eq!(landed, ["g1", "g2"], "what passes is not taken back");
}
