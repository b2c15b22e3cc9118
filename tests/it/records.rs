//! Every run leaves a record, bound by the journal, and beside the landing in git.

use std::path::Path;

use otto::base::Sha256;
use otto::check::record::records;
use otto::session::journal::{Position, Reader, Record};
use serde_json::{Value, json};

use crate::harness::{Sandbox, Shape};

fn passed(groups: usize) -> Sandbox {
    let s = Sandbox::project();
    let spec = s.spec(&Shape::of(groups));
    s.run(0, &["run", "--from-spec", &spec]);
    s
}

fn lines(s: &Sandbox) -> Vec<Record> {
    let path = s.session_dir().join("spec-state.jsonl");
    let reader = Reader::open(&path, Position::START).expect("a journal");
    reader.map(|r| r.expect("whole")).collect()
}

fn note(s: &Sandbox, commit: &str) -> String {
    s.git(&["notes", "--ref", "otto", "show", commit])
}

#[test]
fn a_record_says_what_ran_where_and_what_came_of_it() {
    let s = passed(1);
    let all = lines(&s);
    let records = records(&all);
    let runs = s.journal().iter().filter(|e| e["data"]["outcome"]["tree"].is_string()).count();
    assert!(runs >= 3 && records.len() == runs, "{} of {runs}", records.len());
    for (line, record) in &records {
        let told: Value = serde_json::from_str(&record.line()).expect("JSON");
        assert_eq!(record.hash(), Sha256::of(record.line().as_bytes()));
        assert_eq!(told["argv"], json!(["sh", "tests/check.sh", "g1"]));
        assert_eq!(told["claim"]["features"], json!(["f-g1"]));
        assert_eq!(told["tier"], "worktree");
        assert!(told["start"].as_str() <= told["end"].as_str(), "{told}");
        // The captured output is there under the address, and the excerpt is its end.
        let output = told["output"].as_str().and_then(|o| o.strip_prefix("sha256:")).expect("one");
        let kept = std::fs::read_to_string(s.session_dir().join("evidence").join(output));
        let kept = kept.expect("evidence").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(kept.ends_with(told["excerpt"].as_str().expect("text")), "{told} in {kept}");
        assert!(record.event <= line.seq);
    }
    // What was not run again is what the run before has said.
    let cached: Vec<_> = records.iter().filter(|(line, r)| line.seq != r.event).collect();
    assert!(!cached.is_empty(), "the candidate is the attempt's tree");
}

#[test]
fn a_note_beside_each_landing_has_a_line_for_each_record() {
    let s = passed(2);
    let landings = s.events("merge.landed");
    let all = lines(&s);
    let records = records(&all);
    for landing in &landings {
        let commit = landing["data"]["new"].as_str().expect("a commit");
        let group = landing["group"].as_str().expect("a group");
        let told = note(&s, commit);
        assert!(told.contains(&format!("candidate {group}-tests passed (1 run")), "{told}");
        for line in told.lines() {
            let hash = line.strip_prefix("sha256:").and_then(|l| l.get(..64)).expect("an address");
            assert!(records.iter().any(|(_, r)| r.hash().to_string() == hash), "{line}");
        }
    }
    // What the audit saw is beside the product.
    let tip = s.git(&["rev-parse", &s.integ()]);
    let audited = note(&s, &tip).lines().filter(|l| l.contains(" audit ")).count();
    assert_eq!(audited, 2);
    // Made again they are the same, and nothing is written.
    let before = s.git(&["rev-parse", "refs/notes/otto"]);
    s.run(0, &["render", "--session", "latest"]);
    assert_eq!(s.git(&["rev-parse", "refs/notes/otto"]), before);
    s.git(&["update-ref", "-d", "refs/notes/otto"]);
    s.run(0, &["verify", "--no-rerun"]);
    s.run(0, &["render", "--session", "latest"]);
    assert_eq!(
        s.git(&["rev-parse", "refs/notes/otto^{tree}"]),
        s.git(&["rev-parse", &format!("{before}^{{tree}}")])
    );
}

#[test]
fn a_line_that_was_changed_is_found_and_named() {
    let s = passed(1);
    let tip = s.git(&["rev-parse", &s.integ()]);
    let good = note(&s, &tip);
    for (n, line) in good.lines().enumerate() {
        let at = good.find(line).expect("a line") + line.len() / 2;
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        let text = String::from_utf8(bytes).expect("text");
        s.git(&["notes", "--ref", "otto", "add", "-f", "-m", &text, &tip]);
        let found = s.run(65, &["verify", "--no-rerun"]);
        let named = format!("line {} of the note beside {tip}", n + 1);
        assert!(found.stdout.contains(&named), "{}", found.stdout);
    }
    // A line that nobody wrote.
    s.git(&[
        "notes",
        "--ref",
        "otto",
        "add",
        "-f",
        "-m",
        &format!("{good}\nsha256:00 passed\n"),
        &tip,
    ]);
    s.run(65, &["verify", "--no-rerun"]);
    s.run(0, &["render", "--session", "latest"]);
    s.run(0, &["verify", "--no-rerun"]);
}

#[test]
fn two_sessions_and_a_person_lose_no_note() {
    let s = passed(1);
    let first = s.session();
    let spec = s.spec(&Shape::of(2).with(|spec| {
        spec["groups"].as_array_mut().expect("groups").remove(0);
        spec["features"].as_array_mut().expect("features").remove(0);
    }));
    s.run(0, &["run", "--from-spec", &spec]);
    let second = s.session();
    assert_ne!(first, second);
    s.git(&["update-ref", "-d", "refs/notes/otto"]);
    // A note of a person's own, beside a commit that is no landing.
    s.git(&["notes", "--ref", "otto", "add", "-m", "mine", "main"]);
    std::thread::scope(|scope| {
        for sid in [&first, &second] {
            scope.spawn(|| {
                for _ in 0..3 {
                    s.run(0, &["render", "--session", sid]);
                }
            });
        }
    });
    for sid in [&first, &second] {
        let tip = s.git(&["rev-parse", &format!("refs/heads/i2p/integ/{sid}")]);
        assert!(note(&s, &tip).contains(sid.as_str()));
        s.run(0, &["verify", "--no-rerun", sid]);
    }
    assert_eq!(note(&s, "main"), "mine");
}

/// A journal of an Otto that kept no records.
#[test]
fn a_journal_without_records_loads_and_says_so() {
    let s = passed(1);
    let path = s.session_dir().join("spec-state.jsonl");
    rewrite(&path, &mut |event| {
        drop(event["data"].as_object_mut().and_then(|d| d.shift_remove("run")))
    });
    // Written again as a whole, it fits neither the anchor nor what the landings bind.
    s.run(65, &["verify", "--no-rerun"]);
    assert!(records(&lines(&s)).is_empty());
    s.git(&["update-ref", "-d", &format!("refs/otto/head/{}", s.session())]);
    let said = s.run(65, &["verify", "--no-rerun"]).stdout;
    assert!(said.contains("without a record: an older Otto wrote the event"), "{said}");
}

/// Somebody writes the journal again, hash by hash, and the anchor with it: what landed names a
/// state that is no more.
#[test]
fn a_journal_that_was_written_again_with_its_anchor_is_found() {
    let s = passed(1);
    let path = s.session_dir().join("spec-state.jsonl");
    let mut done = false;
    rewrite(&path, &mut |event| {
        if !done && event["kind"] == "group.check.finished" {
            event["data"]["outcome"]["duration_s"] = json!(9.5);
            done = true;
        }
    });
    let all = lines(&s);
    let last = all.last().expect("events");
    let anchor = json!({"session": s.session(), "seq": last.seq, "hash": last.hash});
    std::fs::write(s.at("anchor"), anchor.to_string()).expect("written");
    let blob = s.git(&["hash-object", "-w", &s.at("anchor").to_string_lossy()]);
    s.git(&["update-ref", &format!("refs/otto/head/{}", s.session()), &blob]);
    let found = s.run(65, &["verify", "--no-rerun"]);
    assert!(found.stdout.contains("landing of g1: its Otto-Evidence"), "{}", found.stdout);
}

/// Every event changed by `change`, and the chain made whole again.
fn rewrite(path: &Path, change: &mut dyn FnMut(&mut Value)) {
    let text = std::fs::read_to_string(path).expect("a journal");
    let mut prev = "0".repeat(64);
    let mut out = String::new();
    for line in text.lines() {
        let mut event: Value = serde_json::from_str(line).expect("an event");
        change(&mut event);
        let fields = event.as_object_mut().expect("an object");
        fields.insert("prev".into(), json!(prev));
        fields.shift_remove("hash");
        let body = event.to_string();
        prev = Sha256::of(body.as_bytes()).to_string();
        out.push_str(&format!("{},\"hash\":\"{prev}\"}}\n", &body[..body.len() - 1]));
    }
    std::fs::write(path, out).expect("written");
}

/// The spec is what a run is judged by: a record of an easier check is not one of it.
#[test]
fn a_record_of_another_criterion_is_found() {
    let s = passed(1);
    let path = s.session_dir().join("spec-state.jsonl");
    let mut seen = 0;
    rewrite(&path, &mut |event| {
        if event["kind"] == "audit.check.finished" {
            event["data"]["run"]["criterion"] = json!(Sha256::of(b"an easier one"));
            seen += 1;
        }
    });
    assert_eq!(seen, 1);
    let anchored = format!("refs/otto/head/{}", s.session());
    let all = lines(&s);
    let last = all.last().expect("events");
    let anchor = json!({"session": s.session(), "seq": last.seq, "hash": last.hash});
    std::fs::write(s.at("anchor"), anchor.to_string()).expect("written");
    let blob = s.git(&["hash-object", "-w", &s.at("anchor").to_string_lossy()]);
    s.git(&["update-ref", &anchored, &blob]);
    let found = s.run(65, &["verify", "--no-rerun"]);
    assert!(
        found.stdout.contains("judged by something else than the spec says"),
        "{}",
        found.stdout
    );
}
