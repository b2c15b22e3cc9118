//! What an older Otto wrote is read for ever, and what a newer one wrote is never written to.

use std::path::{Path, PathBuf};
use std::process::Command;

use otto::spec::{from_markdown, parse};
use otto::stage::render::ProofPacket;

use crate::harness::Sandbox;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(data(name)).expect("a sample")
}

/// The repository of the sample with its refs, and its logs.
fn with_refs() -> Sandbox {
    let s = Sandbox::named("ledger");
    s.git(&["init", "--quiet", "--initial-branch=main"]);
    let bundle = data("v1/repository.bundle").to_string_lossy().into_owned();
    s.git(&["fetch", "--quiet", "--update-head-ok", &bundle, "refs/*:refs/*"]);
    s.git(&["reset", "--quiet", "--hard", "main"]);
    logs_into(&s);
    s
}

/// The logs alone: somebody was sent the folder.
fn without_refs() -> Sandbox {
    let s = Sandbox::named("ledger");
    s.git(&["init", "--quiet", "--initial-branch=main"]);
    s.write("README.md", "Another repository.\n");
    s.commit("start");
    logs_into(&s);
    s
}

fn logs_into(s: &Sandbox) {
    let from = data("v1/otto_logs");
    let done = Command::new("cp").arg("-a").arg(&from).arg(&s.project).status().expect("cp");
    assert!(done.success());
    s.git(&["config", "core.excludesFile", "/dev/null"]);
    std::fs::write(s.project.join(".git/info/exclude"), "/otto_logs/\n").expect("written");
}

#[test]
fn a_session_of_version_1_is_read_and_judged() {
    let s = with_refs();
    s.run(0, &["status"]);
    s.run(0, &["verify", "--no-rerun"]);
    assert!(s.run(0, &["sessions"]).stdout.contains("2/2 landed"));
    let log = s.run(0, &["log", "--json"]).stdout;
    assert_eq!(log.lines().count(), s.journal().len());
    s.run(0, &["config", "--session", "latest"]);
    assert!(s.run(0, &["spec", "diff"]).stdout.contains("+- a web view"));
    let shown = s.run(0, &["spec", "show", "--json"]).stdout;
    assert_eq!(parse(&shown).expect("a spec").spec.amendments.len(), 1);
}

#[test]
fn its_proof_comes_out_as_it_was() {
    let s = with_refs();
    let path = s.session_dir().join("proof-packet.json");
    let read = |path: &Path| {
        ProofPacket::from_json(&std::fs::read_to_string(path).expect("a packet")).expect("read")
    };
    let then = read(&path);
    std::fs::remove_file(&path).expect("removed");
    s.run(0, &["render", "latest"]);
    let mut now = read(&path);
    // A later version tells more, and nothing otherwise.
    assert_eq!(now.usage_by_group.len(), 2);
    now.usage_by_group.clear();
    let attempts = now.groups.iter_mut().flat_map(|g| &mut g.attempts).map(|a| &mut a.usage);
    for usage in now.usage.values_mut().chain(attempts) {
        assert_eq!((usage.reported_usd, usage.turns_without_money > 0), (None, true));
        usage.turns_without_money = 0;
    }
    // It was a sentence of the detail.
    let reused: Vec<_> = now.checks.iter_mut().filter(|c| c.cached).collect();
    assert_eq!(reused.len(), 2);
    for run in reused {
        run.cached = false;
        run.detail.push_str(" Taken from an earlier run on the same tree.");
    }
    // It was what the next agent was told.
    let mut before = then.groups.iter().flat_map(|g| &g.attempts);
    for attempt in now.groups.iter_mut().flat_map(|g| &mut g.attempts) {
        let before = before.next().expect("as many");
        if before.reason.starts_with("These checks are not green") {
            assert_eq!(
                attempt.reason,
                "Not green:\n`report-tests`: TAP: 1 run, 1 failed, 0 skipped"
            );
            attempt.reason.clone_from(&before.reason);
        }
    }
    assert_eq!(now, then);
}

#[test]
fn it_can_be_gone_on_with() {
    let s = with_refs();
    s.run(0, &["land"]);
    assert_eq!(s.read("report/work"), "done report\n");
    s.run(0, &["verify", "--no-rerun"]);
}

#[test]
fn without_its_refs_the_record_is_read_and_nothing_is_claimed() {
    let s = without_refs();
    assert!(s.run(0, &["log"]).stdout.contains("landed"));
    s.run(0, &["spec", "show"]);
    let found = s.run(65, &["verify"]);
    for lost in ["cannot be read", "i2p/integ", "no anchor"] {
        assert!(found.stdout.contains(lost), "'{lost}' is not said: {}", found.stdout);
    }
    s.run(77, &["land"]);
    assert_eq!(s.git(&["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
}

#[test]
fn specs_recordings_and_configuration_of_version_1_are_read() {
    let sid = text("v1/otto_logs/latest").trim().to_owned();
    let dir = format!("v1/otto_logs/sessions/{sid}/spec");
    let first = parse(&text(&format!("{dir}/versions/001.json"))).expect("a spec").spec;
    let current = parse(&text(&format!("{dir}/spec.json"))).expect("a spec").spec;
    let markdown = from_markdown(&text(&format!("{dir}/spec.md"))).expect("a spec");
    assert_eq!(markdown.content_hash(), current.content_hash());
    // The older form: read with a warning, and the same contract.
    let older = parse(&text("v1/slices.json")).expect("a spec");
    assert!(!older.warnings.is_empty());
    assert_eq!(older.spec.content_hash(), first.content_hash());
    // The journal's hash of it, which nothing may change.
    assert!(
        text(&format!("{}/spec-state.jsonl", dir.trim_end_matches("/spec")))
            .contains(&format!("\"sha256\":\"{}\",\"version\":1", first.content_hash()))
    );
    let s = Sandbox::named("replayed");
    s.git(&["init", "--quiet", "--initial-branch=main"]);
    let bundle = data("v1/repository.bundle").to_string_lossy().into_owned();
    s.git(&["fetch", "--quiet", "--update-head-ok", &bundle, "refs/heads/main:refs/heads/main"]);
    s.git(&["reset", "--quiet", "--hard", "main"]);
    assert_eq!(s.read("otto.yaml"), text("v1/otto.yaml"));
    let recording = serde_json::json!({"dir": data("v1/recording")}).to_string();
    s.write(
        "otto.yaml",
        &format!("provider: replay\nproviders: {{replay: {recording}}}\nagents: {{certifier: {{provider: none}}}}\n"),
    );
    s.commit("a recording is the agent");
    let spec = data("v1/slices.json").to_string_lossy().into_owned();
    s.run(0, &["run", "--from-spec", &spec]);
    s.assert_landed_once(&["books", "report"]);
}

#[test]
fn what_a_newer_otto_wrote_is_never_written_to() {
    let id = text("v1/otto_logs/latest").trim().to_owned();
    let session =
        |s: &Sandbox, name: &str| s.project.join("otto_logs/sessions").join(&id).join(name);
    let newer: [(&str, &str); 3] = [
        ("v2/format", "../../format"),
        ("v2/session.json", "session.json"),
        ("v2/spec.json", "spec/spec.json"),
    ];
    for (sample, name) in newer {
        let s = with_refs();
        let path = session(&s, name);
        std::fs::copy(data(sample), &path).expect("copied");
        for args in
            [&["status"][..], &["run", "--resume", "latest"], &["render", "latest"], &["land"]]
        {
            let before = std::fs::read(session(&s, "spec-state.jsonl")).expect("a journal");
            let found = s.run(65, args);
            assert!(found.stderr.contains("newer Otto"), "{sample}: {}", found.stderr);
            assert_eq!(
                std::fs::read(&path).expect("kept"),
                std::fs::read(data(sample)).expect("sample")
            );
            assert_eq!(std::fs::read(session(&s, "spec-state.jsonl")).expect("kept"), before);
        }
    }
}

#[test]
fn a_newer_journal_is_shown_where_it_can_be_and_never_appended_to() {
    let id = text("v1/otto_logs/latest").trim().to_owned();
    let append = |line: &str| {
        let s = with_refs();
        let path = s.project.join("otto_logs/sessions").join(&id).join("spec-state.jsonl");
        let journal = std::fs::read_to_string(&path).expect("a journal") + text(line).as_str();
        std::fs::write(&path, &journal).expect("written");
        (s, path, journal)
    };
    // Another kind of event: shown, and that is all.
    let (s, path, journal) = append("v2/line-of-an-unknown-kind.jsonl");
    assert!(s.run(0, &["log", "--json"]).stdout.contains("queue.entered"));
    // What it means is not known, so nothing is claimed to be passed.
    for args in [&["status"][..], &["land"]] {
        s.run(1, args);
        assert_eq!(std::fs::read_to_string(&path).expect("kept"), journal);
    }
    for args in [&["run", "--resume", "latest"][..], &["abort", "latest"]] {
        let found = s.run(65, args);
        assert!(found.stderr.contains("newer Otto"), "{}", found.stderr);
        assert_eq!(std::fs::read_to_string(&path).expect("kept"), journal);
    }
    // Another form of line: not even that.
    let (s, path, journal) = append("v2/line-of-version-2.jsonl");
    for args in [&["log"][..], &["status"], &["run", "--resume", "latest"]] {
        let found = s.run(65, args);
        assert!(found.stderr.contains("newer Otto"), "{}", found.stderr);
        assert_eq!(std::fs::read_to_string(&path).expect("kept"), journal);
    }
}
