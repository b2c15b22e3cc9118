//! What must hold whatever anybody tries: the word `passed` comes from checks that ran on what
//! landed, and from nothing else.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Sandbox, Shape, write};

/// The product's word in a fresh proof. Where it cannot be rendered there is none.
fn word(s: &Sandbox) -> String {
    let done = s.finish(&mut s.command(&["render", "--session", "latest", "--json"]));
    let mut lines = done.stdout.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
    let proof = lines.rfind(|l| l["verdict"].is_string());
    proof.map_or_else(String::new, |p| p["verdict"].as_str().unwrap_or_default().to_owned())
}

/// Neither the proof nor the landing says yes.
fn assert_not_passed(s: &Sandbox) {
    let word = word(s);
    assert!(!word.starts_with("passed"), "{word}");
    let landed = s.finish(&mut s.command(&["land"]));
    assert_ne!(landed.code, 0, "{}{}", landed.stdout, landed.stderr);
    assert!(!s.project.join("g1").exists());
}

/// A suite of three tests, and a group that may write everything.
fn with_a_suite(s: &Sandbox) -> String {
    for name in ["one", "two", "three"] {
        s.write(&format!("suite/{name}.sh"), "[ ! -f g1/breaks ]\n");
    }
    s.write(
        "tests/suite.sh",
        "set -- suite/*.sh\necho 1..$#\nbad=0\nfor t in \"$@\"; do\n  if sh \"$t\"; then echo \"ok - $t\"; else echo \"not ok - $t\"; bad=1; fi\ndone\nexit $bad\n",
    );
    s.commit("a suite");
    s.spec(&Shape::of(1).with(|spec| {
        spec["groups"][0]["owned_paths"] = json!(["g1/**", "**"]);
        let checks = spec["groups"][0]["checks"].as_array_mut().expect("checks");
        checks.push(json!({"id": "suite", "kind": "repo_test", "purpose": "regression",
                           "argv": ["sh", "tests/suite.sh"]}));
    }))
}

#[test]
fn deleting_a_test_does_not_make_it_passed() {
    let s = Sandbox::project();
    let spec = with_a_suite(&s);
    s.agent(
        r#"mkdir -p g1; echo "done g1" >g1/work; touch g1/breaks
rm suite/one.sh suite/two.sh; echo true >suite/three.sh"#,
    );
    s.run(1, &["run", "--from-spec", &spec]);
    assert_not_passed(&s);
    // Two tests fewer are the trick: with all of them there the product is passed.
    let honest = Sandbox::project();
    let spec = with_a_suite(&honest);
    honest.run(0, &["run", "--from-spec", &spec]);
    assert!(word(&honest).starts_with("passed"));
}

/// It writes into the session folder whatever a check would have left there.
#[test]
fn an_agent_that_writes_evidence_does_not_make_it_passed() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    let logs = s.project.join("otto_logs");
    s.agent(&format!(
        r#"mkdir -p g1; echo "not done" >g1/work
dir='{logs}'/sessions/$(cat '{logs}/latest')
printf '$ sh tests/check.sh g1\n1..1\nok 1 - g1\n--- exit 0\n' >made
hash=$(sha256sum made | cut -d' ' -f1); rm made
mkdir -p "$dir/evidence"
printf '$ sh tests/check.sh g1\n1..1\nok 1 - g1\n--- exit 0\n' >"$dir/evidence/$hash"
mkdir -p "$dir/audit/round-01"; echo '[]' >"$dir/audit/round-01/findings.json"
echo '{{"outcome":"passed","reason":"ok","evidence":["sha256:'$hash'"]}}'"#,
        logs = logs.display()
    ));
    s.run(1, &["run", "--from-spec", &spec]);
    assert_not_passed(&s);
}

/// An event that says so, at the end of the journal, is not one of the chain.
#[test]
fn an_agent_that_writes_the_journal_does_not_make_it_passed() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    let logs = s.project.join("otto_logs");
    s.agent(&format!(
        r#"mkdir -p g1; echo "not done" >g1/work
dir='{logs}'/sessions/$(cat '{logs}/latest')
tail -n 1 "$dir/spec-state.jsonl" | sed 's/"kind":"[a-z.]*"/"kind":"group.landed"/' >line
cat line >>"$dir/spec-state.jsonl"; rm line"#,
        logs = logs.display()
    ));
    let done = s.finish(&mut s.command(&["run", "--from-spec", &spec]));
    assert_ne!(done.code, 0, "{}", done.stdout);
    assert_not_passed(&s);
    s.run(65, &["verify"]);
}

#[test]
fn editing_the_spec_file_by_hand_does_not_make_it_passed() {
    let s = Sandbox::project();
    s.agent("mkdir -p g1; echo wrong >g1/work");
    let spec = s.spec(&Shape::of(1));
    s.run(1, &["run", "--from-spec", &spec]);
    let path = s.session_dir().join("spec/spec.json");
    let text = std::fs::read_to_string(&path).expect("a spec");
    let easier = text.replace("tests/check.sh", "tests/easy.sh");
    assert_ne!(text, easier);
    std::fs::write(&path, &easier).expect("written");
    s.write("tests/easy.sh", "echo 1..1; echo ok 1\n");
    s.commit("an easier test");
    for args in
        [vec!["run", "--resume", "latest"], vec!["build-group", "--session", "latest", "--all"]]
    {
        let done = s.finish(&mut s.command(&args));
        assert_ne!(done.code, 0, "{args:?}: {}", done.stdout);
        assert!(done.stderr.contains("spec"), "{args:?}: {}", done.stderr);
    }
    assert_not_passed(&s);
}

/// Every file of a session that passed, laid over one that did not.
#[test]
fn an_older_proof_does_not_make_it_passed() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    let older = s.session_dir();
    s.agent("mkdir -p g1; echo wrong >g1/work");
    s.run(1, &["run", "--from-spec", &spec]);
    let newer = s.session_dir();
    assert_ne!(older, newer);
    for part in ["evidence", "audit", "proof-packet.json", "proof-packet.html", "summary.json"] {
        lay(&older.join(part), &newer.join(part));
    }
    assert_not_passed(&s);
    // What is derived is made again and says what is true.
    let packet = std::fs::read_to_string(newer.join("proof-packet.json")).expect("a packet");
    let packet: Value = serde_json::from_str(&packet).expect("JSON");
    let name = newer.file_name().and_then(|n| n.to_str()).expect("text");
    assert_eq!(packet["session"], name);
    // With the other's journal the session is another one, and both refuse to be it.
    lay(&older.join("spec-state.jsonl"), &newer.join("spec-state.jsonl"));
    let done = s.finish(&mut s.command(&["run", "--resume", "latest"]));
    assert_ne!(done.code, 0, "{}", done.stdout);
    assert_not_passed(&s);
    s.run(65, &["verify"]);
}

fn lay(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).expect("a folder");
        for entry in std::fs::read_dir(from).expect("a folder").flatten() {
            lay(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        // A proof may lack a part.
        drop(std::fs::copy(from, to));
    }
}

#[test]
fn a_check_that_never_ran_does_not_make_it_passed() {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2).with(|spec| {
        spec["cross_group_checks"] = json!([{"id": "together", "kind": "repo_test",
            "purpose": "regression", "features": [], "argv": ["no-such-tool", "--all"]}]);
    }));
    let done = s.finish(&mut s.command(&["run", "--from-spec", &spec]));
    assert_eq!(done.code, 1, "{}{}", done.stdout, done.stderr);
    assert_not_passed(&s);
}

#[test]
fn a_judge_that_says_so_does_not_make_it_passed() {
    let s = Sandbox::project();
    let scenario = json!({"v": 1, "id": "extra", "title": "The extra is there",
        "features": ["f-g1"], "severity": "critical",
        "check": {"id": "extra", "kind": "cli_probe", "argv": ["cat", "g1/extra"],
                  "stdout": {"equals": "extra"}}});
    write(&s.project.join(".git/otto/scenarios/extra.json"), &scenario.to_string());
    let config = s.read("otto.yaml").replace("certifier: {provider: none}, ", "");
    s.write("otto.yaml", &config);
    s.commit("a judge");
    s.agent(
        r#"if [ "$OTTO_ROLE" = certifier ]; then
    echo '{"features": [{"id": "f-g1", "verdict": "passed", "evidence": ["sha256:0000000000000000000000000000000000000000000000000000000000000000"], "why": "I saw it"}], "findings": []}' >"$OTTO_OUTPUT"
    touch "$HOME/marks/judged"
    exit 0
fi
mkdir -p "$OTTO_GROUP"; echo "done $OTTO_GROUP" >"$OTTO_GROUP/work""#,
    );
    let spec = s.spec(&Shape::of(1));
    let done = s.finish(&mut s.command(&["run", "--from-spec", &spec]));
    assert_eq!(done.code, 1, "{}{}", done.stdout, done.stderr);
    assert!(s.home("marks/judged").exists(), "{}", done.stderr);
    assert_not_passed(&s);
}
