//! What one run found is told to later ones of the same product, and decides nothing.

use serde_json::{Value, json};

use crate::harness::{Sandbox, Shape, write};

fn memory(s: &Sandbox) -> Vec<Value> {
    let text =
        std::fs::read_to_string(s.project.join("otto_logs/memory.jsonl")).unwrap_or_default();
    text.lines().map(|l| serde_json::from_str(l).expect("an entry")).collect()
}

/// A scenario that fails, and a pilot whose prompt is kept in `$HOME/prompt.`
fn scene() -> (Sandbox, String) {
    let s = Sandbox::project();
    let text = json!({"v": 1, "id": "extra", "title": "The extra is there", "features": ["f-g1"],
        "severity": "polish",
        "check": {"id": "extra", "kind": "cli_probe", "argv": ["cat", "g1/extra"],
                  "stdout": {"equals": "extra"}}});
    write(&s.project.join(".git/otto/scenarios/extra.json"), &text.to_string());
    let spec = s.spec(&Shape::of(1));
    (s, spec)
}

fn run(s: &Sandbox, code: i32, spec: &str, more: &[&str]) {
    let args = ["run", "--from-spec", spec, "-c", "memory=true"];
    s.run(code, &[&args[..], more].concat());
}

#[test]
fn what_was_found_is_told_to_later_runs_of_the_same_commits() {
    let (s, spec) = scene();
    run(&s, 1, &spec, &[]);
    let all = memory(&s);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0]["commit"], s.git(&["rev-parse", &s.integ()]));
    assert_eq!(all[0]["checks"]["scenario-extra"], "failed");
    assert_eq!(all[0]["findings"][0]["kind"], "product_failure");
    // Once, however often the run is taken up.
    s.run(1, &["run", "--resume", "latest"]);
    assert_eq!(memory(&s).len(), 1);

    // Another run that starts from the same base: what was found there is not part of it.
    let pilot = ["-c", "agents.pilot.provider=command"];
    run(&s, 1, &spec, &pilot);
    let told = || std::fs::read_to_string(s.home("prompt.")).expect("asked");
    assert!(!told().contains("earlier audits found"), "{}", told());
    // It is, once it is in the branch that the next run starts from.
    s.run(0, &["land", "--accept", "partial"]);
    s.agent(r#"mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP 2" >"$OTTO_GROUP/work""#);
    s.write("tests/check.sh", &s.read("tests/check.sh").replace("done $1", "done $1 2"));
    s.commit("another version");
    run(&s, 1, &spec, &pilot);
    assert!(told().contains("earlier audits found"), "{}", told());
    assert!(told().contains("scenario-extra failed"), "{}", told());
}

#[test]
fn it_is_off_by_default_and_what_is_damaged_is_said() {
    let (s, spec) = scene();
    s.run(1, &["run", "--from-spec", &spec]);
    let path = s.project.join("otto_logs/memory.jsonl");
    assert!(!path.exists());
    // A torn line is cut back, and anything else is nobody's to mend.
    write(&path, "{\"v\":1,\"at\":");
    run(&s, 1, &spec, &[]);
    assert_eq!(memory(&s).len(), 1);
    write(&path, "nonsense\n");
    let args = ["run", "--from-spec", spec.as_str(), "-c", "memory=true"];
    let done = s.run(65, &args);
    assert!(done.stderr.contains("memory.jsonl' cannot be read at line 1"), "{}", done.stderr);
    std::fs::remove_file(&path).expect("moved away");
    s.run(1, &["run", "--resume"]);
    assert_eq!(memory(&s).len(), 1);
}
