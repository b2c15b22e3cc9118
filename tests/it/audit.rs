//! The judgement of the whole: held-out scenarios, repair, the demo.

use serde_json::json;

use crate::harness::{Sandbox, Shape, write};

/// A scenario that wants the file `g1/extra`.
fn scenario(s: &Sandbox) {
    let text = json!({"v": 1, "id": "extra", "title": "The extra is there", "features": ["f-g1"],
        "severity": "critical",
        "check": {"id": "extra", "kind": "cli_probe", "argv": ["cat", "g1/extra"],
                  "stdout": {"equals": "extra"}}});
    write(&s.project.join(".git/otto/scenarios/extra.json"), &text.to_string());
}

#[test]
fn a_held_out_scenario_finds_what_no_builder_knew_and_it_is_repaired() {
    let s = Sandbox::project();
    scenario(&s);
    s.agent(
        r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"
[ "$OTTO_ROLE" != fix ] || { echo extra >g1/extra; cp "$OTTO_PROMPT_FILE" "$HOME/told"; }"#,
    );
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec]);
    assert_eq!(s.events("repair.started").len(), 1);
    assert_eq!(s.landings().iter().filter(|g| *g == "g1").count(), 2, "the part and its repair");
    let told = std::fs::read_to_string(s.home("told")).expect("a repair");
    assert!(told.contains("extra"), "{told}");
    s.run(0, &["verify", "--no-rerun"]);
}

/// What is not part of an exam is said, and an exam that was announced and is not there stops it.
#[test]
fn no_page_of_an_exam_goes_missing_in_silence() {
    let s = Sandbox::project();
    scenario(&s);
    let at = s.project.join(".git/otto/scenarios");
    let text = std::fs::read_to_string(at.join("extra.json")).expect("a scenario");
    // Of two features one is of another spec: it is asked about the other all the same.
    write(&at.join("extra.json"), &text.replace("[\"f-g1\"]", "[\"f-g1\",\"f-other\"]"));
    // A name in capitals is a name; what is about nothing here, or no scenario, is left out.
    let other =
        text.replace("f-g1", "f-other").replace("\"id\":\"extra\"", "\"id\":\"of-another\"");
    write(&at.join("other.JSON"), &other);
    write(&at.join("NOTES.txt"), "to be asked");
    let spec = s.spec(&Shape::of(1));
    let run = ["run", "--from-spec", &spec];
    s.run(1, &run);
    let seen = s.events("audit.check.finished");
    assert!(seen.iter().any(|e| e["data"]["scenario"]["id"] == "extra"), "{seen:?}");
    let told = s.events("audit.started")[0]["data"]["left_out"].to_string();
    assert!(told.contains("of-another") && told.contains("NOTES.txt"), "{told}");
    let packet = s.read(&format!("otto_logs/sessions/{}/proof-packet.json", s.session()));
    assert!(packet.contains("Scenario `of-another` was not part of the audit"), "{packet}");

    let gone = s.run(65, &[&run[..], &["-c", "scenarios=../nowhere"]].concat());
    assert!(gone.stderr.contains("nowhere' is not there"), "{}", gone.stderr);
}

#[test]
fn a_defect_that_stays_is_never_passed() {
    let s = Sandbox::project();
    scenario(&s);
    let spec = s.spec(&Shape::of(2));
    let done = s.run(1, &["run", "--from-spec", &spec]);
    assert!(!done.stdout.contains("passed:"), "{}", done.stdout);
    s.run(1, &["land"]);
}

#[test]
fn a_tracked_scenario_does_not_count_as_held_out() {
    let s = Sandbox::project();
    scenario(&s);
    let from = s.project.join(".git/otto/scenarios/extra.json");
    let text = std::fs::read_to_string(from).expect("a scenario");
    s.write("scenarios/extra.json", &text);
    s.commit("a scenario that everybody can read");
    s.agent(
        r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work"; echo extra >"$OTTO_GROUP/extra""#,
    );
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec, "-c", "scenarios=scenarios"]);
    let seen = s.events("audit.check.finished");
    let ours: Vec<_> = seen.iter().filter(|e| e["data"]["scenario"]["id"] == "extra").collect();
    assert_eq!(ours.len(), 1, "{seen:?}");
    assert_eq!(ours[0]["data"]["scenario"]["held_out"], false);
}

#[test]
fn the_demo_passes_and_can_be_verified() {
    let s = Sandbox::new();
    let dir = s.at("demo");
    let done = s.run(0, &["demo", "--dir", &dir.to_string_lossy()]);
    assert!(done.stdout.contains("passed"), "{}", done.stdout);
    s.shell(0, "cd ../demo/expenses && otto verify && otto status && otto repair --session latest");
    // A folder that holds something is not overwritten.
    s.run(2, &["demo", "--dir", &dir.to_string_lossy()]);
}

#[test]
fn a_demo_with_one_altered_line_never_passes() {
    for seed in ["1", "7", "42"] {
        let s = Sandbox::new();
        let dir = s.at("demo");
        let done = s.run(1, &["demo", "--tamper", "--seed", seed, "--dir", &dir.to_string_lossy()]);
        assert!(!done.stdout.contains("passed:"), "{}", done.stdout);
        s.shell(1, "cd ../demo/expenses && otto land");
    }
}

#[test]
fn a_run_that_was_recorded_is_played_again() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2));
    let recording = s.at("recording");
    s.run(0, &["run", "--from-spec", &spec, "--record", &recording.to_string_lossy()]);
    let first = s.git(&["rev-parse", &format!("{}^{{tree}}", s.integ())]);
    let setting = format!("providers.replay.dir={}", recording.display());
    s.run(0, &["run", "--from-spec", &spec, "--provider", "replay", "-c", &setting]);
    assert_eq!(s.git(&["rev-parse", &format!("{}^{{tree}}", s.integ())]), first);
}
