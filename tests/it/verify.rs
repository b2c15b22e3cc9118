//! What is written down holds, and says so when it does not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::harness::{Sandbox, Shape};

fn passed() -> Sandbox {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(2));
    s.run(0, &["run", "--from-spec", &spec]);
    s.run(0, &["verify"]);
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
    s.run(0, &["verify"]);
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
    s.run(0, &["verify"]);
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
