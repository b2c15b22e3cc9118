//! What is written down holds, and says so when it does not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::harness::{Sandbox, Shape};

fn passed() -> Sandbox {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec]);
    s.run(0, &["verify", "--no-rerun"]);
    s
}

/// Changes one byte in the middle of a file.
fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).expect("a file");
    let at = bytes.len() / 2;
    bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
    std::fs::write(path, bytes).expect("written");
}

fn named(s: &Sandbox, path: &Path, word: &str) {
    let bytes = std::fs::read(path).expect("a file");
    flip(path);
    let found = s.run(65, &["verify"]);
    let said = format!("{}{}", found.stdout, found.stderr);
    assert!(said.contains(word), "'{word}' is not named: {said}");
    std::fs::write(path, bytes).expect("put back");
    s.run(0, &["verify", "--no-rerun"]);
}

#[test]
fn one_changed_byte_is_found_and_named() {
    let s = passed();
    let dir = s.session_dir();
    named(&s, &dir.join("spec-state.jsonl"), "spec-state.jsonl");
    named(&s, &dir.join("spec/spec.json"), "spec");
    named(&s, &dir.join("session.json"), "session");
    named(&s, &dir.join("intent.txt"), "intent");
    let mut kept = 0;
    for entry in std::fs::read_dir(dir.join("evidence")).expect("evidence").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.metadata().expect("metadata").len() > 0 {
            named(&s, &entry.path(), &name[..12]);
            kept += 1;
        }
    }
    assert!(kept > 0);
}

#[test]
fn a_journal_that_was_cut_or_reordered_is_found() {
    let s = passed();
    let path = s.session_dir().join("spec-state.jsonl");
    let text = std::fs::read_to_string(&path).expect("a journal");
    let lines: Vec<&str> = text.lines().collect();
    let joined = |lines: &[&str]| lines.iter().map(|l| format!("{l}\n")).collect::<String>();
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    let mut holed = lines.clone();
    holed.remove(5);
    for (what, altered) in [
        ("cut", joined(&lines[..lines.len() - 3])),
        ("swapped", joined(&swapped)),
        ("holed", joined(&holed)),
        ("emptied", String::new()),
    ] {
        std::fs::write(&path, altered).expect("written");
        let found = s.run(65, &["verify"]);
        assert!(!found.stderr.is_empty(), "{what}");
    }
    // A line that was being written when the power went is not a line.
    std::fs::write(&path, format!("{text}{{\"v\":1,\"seq\":")).expect("written");
    s.run(0, &["status"]);
}

#[test]
fn a_landing_that_was_rewritten_is_found() {
    let s = passed();
    let tip = s.git(&["rev-parse", &s.integ()]);
    let tree = s.git(&["rev-parse", "main^{tree}"]);
    let other = s.git(&["commit-tree", &tree, "-p", &format!("{tip}^"), "-m", "land g2"]);
    s.git(&["update-ref", &s.integ(), &other]);
    let found = s.run(65, &["verify"]);
    assert!(found.stdout.contains("i2p/integ"), "{}", found.stdout);
}

fn derived(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    ["proof-packet.json", "proof-packet.html", "summary.json", "manifest.json", "usage.json"]
        .iter()
        .map(|name| dir.join(name))
        .map(|path| (path.clone(), std::fs::read(&path).unwrap_or_default()))
        .collect()
}

#[test]
fn derived_files_are_made_again_the_same() {
    let s = passed();
    let before = derived(&s.session_dir());
    assert!(before.values().all(|bytes| !bytes.is_empty()), "{:?}", before.keys());
    for path in before.keys() {
        std::fs::remove_file(path).expect("removed");
    }
    s.run(0, &["render", "--session", "latest"]);
    for (path, bytes) in derived(&s.session_dir()) {
        assert!(before[&path] == bytes, "{} differs", path.display());
    }
    s.run(0, &["verify", "--no-rerun"]);
}

#[test]
fn the_proof_loads_nothing_from_anywhere() {
    let s = passed();
    let html = std::fs::read_to_string(s.session_dir().join("proof-packet.html")).expect("html");
    for outside in ["src=\"http", "href=\"http", "url(http", "<script src", "@import"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.contains("The part of g1"));
}

/// Everything that a proof stands on, one changed byte at a time: found, and the file is named. All
/// else is derived, or what agents said, and is listed here by name.
#[test]
fn every_byte_of_a_session_is_found_or_is_no_evidence() {
    let s = passed();
    let dir = s.session_dir();
    let mut bound = 0;
    for path in s.files_named("") {
        let path = PathBuf::from(path);
        let Ok(below) = path.strip_prefix(&dir) else { continue };
        let name = below.to_string_lossy().into_owned();
        let derived = [
            "proof-packet.json",
            "proof-packet.html",
            "summary.json",
            "usage.json",
            "manifest.json",
            "spec/spec.md",
        ];
        let said = [
            "build/",
            "audit/",
            "steps/",
            "merge/",
            "repair/",
            "pilot/",
            "commands/",
            "spec/attempt-",
        ];
        if derived.contains(&name.as_str()) || said.iter().any(|d| name.starts_with(d)) {
            continue;
        }
        bound += 1;
        let good = std::fs::read(&path).expect("a file");
        // Ends, and places all over; of the journal something in each line.
        let every = (good.len() / 9).max(1);
        let mut places: Vec<usize> = (0..good.len()).step_by(every).collect();
        places.push(good.len().saturating_sub(1));
        for place in places.into_iter().filter(|_| !good.is_empty()) {
            for bit in [1, 4] {
                let mut bad = good.clone();
                bad[place] ^= bit;
                std::fs::write(&path, bad).expect("written");
                let found = s.run(65, &["verify", "--no-rerun"]);
                let told = format!("{}{}", found.stdout, found.stderr);
                let short = name.rsplit('/').next().unwrap_or(&name);
                let word = &short[..short.len().min(12)];
                assert!(told.contains(word), "{name}, byte {place}: {told}");
            }
        }
        std::fs::write(&path, good).expect("put back");
    }
    assert!(bound >= 8, "{bound}");
    s.run(0, &["verify", "--no-rerun"]);
}

#[test]
fn two_pieces_of_evidence_that_changed_places_are_found() {
    let s = passed();
    let dir = s.session_dir().join("evidence");
    let pieces: Vec<PathBuf> =
        std::fs::read_dir(&dir).expect("evidence").flatten().map(|e| e.path()).collect();
    let (a, b) = (std::fs::read(&pieces[0]).expect("one"), std::fs::read(&pieces[1]).expect("one"));
    assert_ne!(a, b);
    std::fs::write(&pieces[0], b).expect("written");
    std::fs::write(&pieces[1], a).expect("written");
    let found = s.run(65, &["verify"]).stdout;
    for piece in &pieces[..2] {
        let name = piece.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(found.contains(&name), "{found}");
    }
    assert!(!found.contains("same"), "nothing runs where something was altered: {found}");
}

/// What an agent puts among the evidence is its own: no event cites it.
#[test]
fn evidence_that_an_agent_writes_counts_for_nothing() {
    let s = Sandbox::project();
    let logs = s.project.join("otto_logs");
    s.agent(&format!(
        r#"mkdir -p g1; echo "done g1" >g1/work
dir='{logs}'/sessions/$(cat '{logs}/latest'); mkdir -p "$dir/evidence"
echo "all tests passed" >made; hash=$(sha256sum made | cut -d' ' -f1); mv made "$dir/evidence/$hash""#,
        logs = logs.display()
    ));
    let spec = s.spec(&Shape::of(1));
    s.run(0, &["run", "--from-spec", &spec]);
    let told = s.run(0, &["verify"]).stdout;
    assert!(told.contains("1 piece of evidence counts for nothing"), "{told}");
}

#[test]
fn the_checks_run_again_and_are_compared() {
    let s = passed();
    let before = std::fs::read(s.session_dir().join("spec-state.jsonl")).expect("a journal");
    let pieces = || std::fs::read_dir(s.session_dir().join("evidence")).expect("a folder").count();
    let kept = pieces();
    let done = s.run(0, &["verify"]);
    assert!(done.stdout.contains("same g1-tests: passed (1 run, 0 failed, 0 skipped) again"));
    // Nothing of it is written down.
    assert_eq!(std::fs::read(s.session_dir().join("spec-state.jsonl")).expect("a journal"), before);
    assert_eq!(pieces(), kept);
    s.on_check("echo 1..2; echo ok 1; echo ok 2; exit 0");
    let done = s.run(1, &["verify", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&done.stdout).expect("one object");
    assert_eq!(told["problems"], serde_json::json!([]));
    assert_eq!(told["again"][0]["differs"]["now"], "passed (2 run, 0 failed, 0 skipped)", "{told}");
    assert!(s.run(0, &["verify", "--no-rerun"]).stdout.lines().all(|l| !l.contains("same")));
}

#[test]
fn what_cannot_run_again_is_listed_with_its_reason() {
    let s = Sandbox::project();
    s.script(&s.at("home/bin/tester"), "#!/bin/sh\n[ -f g1/work ] && echo 1..1 && echo ok 1\n");
    let tool = s.at("home/bin/tester").to_string_lossy().into_owned();
    let spec = s.spec(&Shape::of(1).check("g1", &[&tool]));
    let scenario = serde_json::json!({"v": 1, "id": "extra", "title": "It is there", "features": ["f-g1"],
        "severity": "critical", "check": {"id": "extra", "kind": "cli_probe", "argv": ["cat", "g1/work"],
                                          "stdout": {"contains": ["done"]}}});
    let exam = s.project.join(".git/otto/scenarios/extra.json");
    crate::harness::write(&exam, &scenario.to_string());
    s.run(0, &["run", "--from-spec", &spec]);
    s.run(0, &["verify"]);
    std::fs::remove_file(&tool).expect("removed");
    std::fs::remove_file(&exam).expect("removed");
    let told = s.run(0, &["verify"]).stdout;
    assert!(told.contains("not  g1-tests: it cannot be run here"), "{told}");
    assert!(told.contains("not  scenario-extra: its scenario is not here"), "{told}");
    s.run(0, &["abort", "latest"]);
}

#[test]
fn a_commit_leads_to_its_session_also_from_above() {
    let s = passed();
    s.run(0, &["land"]);
    s.git(&["switch", "--quiet", "main"]);
    s.write("later", "more\n");
    s.commit("later");
    let done = s.run(0, &["verify", "main", "--no-rerun"]);
    assert!(done.stdout.contains(&s.session()), "{}", done.stdout);
    // A commit that only says so.
    s.write("later", "else\n");
    s.git(&[
        "commit",
        "--quiet",
        "--all",
        "-m",
        &format!("land g1\n\nOtto-Session: {}", s.session()),
    ]);
    let forged = s.run(65, &["verify", "main", "--no-rerun"]);
    assert!(forged.stderr.contains("the journal has none such"), "{}", forged.stderr);
}
