use serde_json::json;

use super::scene::Scene;
use super::*;
use crate::session::event::*;
use crate::session::journal::Entry;
use crate::stage::render::packet::Word;
use crate::stage::render::packet::{
    AttemptOutcome as Ended, AuditOutcome, FeatureVerdict, GroupState, RepairOutcome,
};

fn collected(scene: &Scene) -> ProofPacket {
    collect(&scene.ws, &scene.session, &scene.spec).expect("a packet")
}

fn chain_of(scene: &Scene) -> Chain {
    chain(&scene.ws, &scene.session).expect("readable")
}

#[test]
fn a_whole_session_is_told_as_it_was() {
    let scene = Scene::whole();
    let packet = collected(&scene);
    assert_eq!(packet.verdict.word, Word::Passed, "{:?}", packet.verdict.reasons);
    assert!(packet.features.iter().all(|f| f.verdict == FeatureVerdict::Passed));
    assert_eq!(packet.features[1].checks, ["greets", "remembers", "scenario-wrong-password"]);
    assert_eq!(packet.tip, Some(scene.tip.to_string()));
    assert_eq!((packet.journal.anchored, &packet.journal.chain), (true, &Chain::Intact));
    let ids: Vec<&str> = packet.groups.iter().map(|g| g.id.as_str()).collect();
    assert_eq!(ids, ["store", "login"]);
    let attempt = &packet.groups[0].attempts[0];
    assert_eq!(attempt.files_changed, ["src/store/a.py"]);
    assert_eq!((attempt.outcome, attempt.summary.as_str()), (Ended::Passed, "I did it."));
    assert_eq!((attempt.usage.input, attempt.usage.output), (Some(100), None));
    assert_eq!(packet.usage["build"].input, Some(200));
    assert_eq!(packet.usage["build"].cost_usd, Some(0.5));
    assert_eq!(packet.usage["build"].reasoning, None);
    assert_eq!(packet.landings[0].subject, "land store: src/store/a.py");
    let phases: Vec<Phase> = packet.checks.iter().map(|c| c.phase).collect();
    assert_eq!(phases.iter().filter(|p| **p == Phase::Attempt).count(), 4);
    assert_eq!(phases.iter().filter(|p| **p == Phase::Audit).count(), 5);
    let last = packet.checks.last().expect("checks");
    assert_eq!((last.phase, last.kind.as_str()), (Phase::Scenario, "scenario"));
    assert_eq!(last.evidence[0].excerpt, "refused");
    assert_eq!(packet.audit.outcome, AuditOutcome::Passed);
    assert_eq!(packet.audit.certifier.as_deref(), Some("command"));
    assert_eq!(packet.finished, Some(packet.end()));
    assert!(packet.not_verified.iter().any(|t| t.contains("exit code alone")));
    // The sandbox's limit is with the sandbox, and with the verdict for who asks for that alone.
    let limit = scene.session.record.tier.limit();
    assert_eq!(packet.sandbox.limits[0], limit);
    assert!(packet.sandbox.limits[1].contains("network"), "{:?}", packet.sandbox.limits);
    assert!(!packet.not_verified.iter().any(|t| t == limit));
    let judged = judge(&scene.ws, &scene.session, &scene.spec).expect("a verdict");
    assert_eq!((judged.word, judged.limits[0].as_str()), (Word::Passed, limit));
    let kinds: Vec<&str> = packet.timeline.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("session.created", "run.finished"));
    assert!(
        super::super::html(&packet, &super::super::Exhibits::default())
            .expect("a page")
            .contains("wrong password")
    );
    assert_eq!(packet, ProofPacket::from_json(&packet.to_json()).expect("it reads"));
    assert_eq!(packet.to_json(), collected(&scene).to_json());
}

#[test]
fn every_moment_of_a_session_has_a_packet_and_only_the_end_is_passed() {
    let whole = Scene::whole();
    let journal = disk::read_text(&whole.session.layout.journal()).expect("a journal");
    let lines: Vec<&str> = journal.split_inclusive('\n').collect();
    whole.git(&["update-ref", "-d", &refs::head(&whole.session.id)]);
    let audited = lines.len() - 2;
    for n in 1..=lines.len() {
        disk::replace(&whole.session.layout.journal(), lines[..n].concat().as_bytes())
            .expect("a shorter journal");
        let packet = collected(&whole);
        assert_eq!(packet.journal.events, n as u64);
        let passed = packet.verdict.word == Word::Passed;
        assert_eq!(passed, n > audited, "after {n} events: {:?}", packet.verdict.word);
        assert_eq!(packet.finished.is_some(), n == lines.len());
        super::super::html(&packet, &super::super::Exhibits::default()).expect("a page");
    }
}

#[test]
fn a_session_without_a_spec_is_blocked_and_says_so() {
    let scene = Scene::new();
    let blank = super::super::write::blank(&scene.session);
    let packet = collect(&scene.ws, &scene.session, &blank).expect("a packet");
    assert_eq!((packet.verdict.word, packet.spec.sha256), (Word::Blocked, None));
    assert!(packet.verdict.reasons.iter().any(|r| r.text == "There is no spec yet."));
    assert_eq!((packet.tip.clone(), packet.finished), (None, None));
    super::super::html(&packet, &super::super::Exhibits::default()).expect("a page");
}

#[test]
fn a_damaged_journal_is_told_up_to_the_damage() {
    let scene = Scene::whole();
    let path = scene.session.layout.journal();
    let good = disk::read(&path).expect("a journal");
    let lines: Vec<&[u8]> = good.split_inclusive(|b| *b == b'\n').collect();
    let mut bad = good.clone();
    let at: usize = lines[..10].iter().map(|l| l.len()).sum();
    bad[at + 30] ^= 1;
    disk::replace(&path, &bad).expect("damage");
    let packet = collected(&scene);
    assert_eq!(packet.journal.events, 10);
    assert_ne!(packet.verdict.word, Word::Passed);
    let Chain::Broken { what } = &packet.journal.chain else { panic!("it is damaged") };
    assert!(what.starts_with("'spec-state.jsonl' line 11 is damaged"), "{what}");
    assert!(!packet.journal.anchored);
    super::super::html(&packet, &super::super::Exhibits::default()).expect("a page");
    // A cut at a line end is whole in itself; the anchor knows better.
    disk::replace(&path, &lines[..lines.len() - 1].concat()).expect("a cut");
    let packet = collected(&scene);
    assert_eq!(packet.verdict.word, Word::Unverified);
    let Chain::Broken { what } = &packet.journal.chain else { panic!("it is cut") };
    assert!(what.contains("the anchor in git names record"), "{what}");
}

#[test]
fn an_anchor_that_is_not_of_this_chain_breaks_it() {
    let mut scene = Scene::whole();
    let (id, at) = (scene.session.id.clone(), scene.session.position());
    for foreign in [
        json!({"session": id, "seq": 3, "hash": Sha256::of(b"other")}),
        json!({"session": "20261120-101112-zzzz", "seq": at.seq, "hash": at.head}),
        json!("nonsense"),
    ] {
        scene.anchor(&foreign);
        assert_ne!(chain_of(&scene), Chain::Intact, "{foreign}");
    }
    scene.anchored();
    assert_eq!(chain_of(&scene), Chain::Intact);
    disk::replace(&scene.session.layout.intent(), b"something else").expect("a file");
    let what = "intent.txt is not the file that the session started with".to_owned();
    assert_eq!(chain_of(&scene), Chain::Broken { what });
}

#[test]
fn lost_evidence_takes_the_proof_away() {
    let scene = Scene::whole();
    let packet = collected(&scene);
    let audit = packet.checks.iter().find(|c| c.phase == Phase::Audit).expect("an audit");
    let store = scene.session.layout.evidence();
    let path = store.join(audit.evidence[0].sha256.to_string());
    disk::replace(&path, b"it passed, really\n").expect("a forgery");
    let packet = collected(&scene);
    assert_eq!(packet.verdict.word, Word::Unverified);
    let reason = &packet.verdict.reasons[0].text;
    assert!(reason.ends_with("was altered."), "{reason}");
    assert_eq!(judge(&scene.ws, &scene.session, &scene.spec).expect("judged").word.exit().0, 1);
    // Of an attempt it is a limit: the product was judged again.
    let scene = Scene::whole();
    let attempt = &collected(&scene).checks[0];
    let path = scene.session.layout.evidence().join(attempt.evidence[0].sha256.to_string());
    disk::remove_file(&path).expect("removed");
    let packet = collected(&scene);
    assert_eq!(packet.verdict.word, Word::Passed);
    assert!(packet.not_verified.iter().any(|t| t.contains("not in the evidence folder")));
}

#[test]
fn red_checks_findings_and_repairs_are_shown() {
    let mut scene = Scene::new();
    scene.approved().landed("store", "src/store/a.py").landed("login", "src/login/b.py");
    scene.audited(1, &[("greets", "failed", "flaky"), ("suite", "not_run", "timeout")]);
    let finding = Finding {
        id: "greets".into(),
        kind: FindingKind::ProductFailure,
        severity: Severity::Important,
        text: "greets: nobody is greeted".into(),
        features: vec!["login".into()],
        group: Some("login".into()),
        check: Some("greets".into()),
        reproduction: "./shop login ann".into(),
        evidence: Vec::new(),
        beyond: None,
        failure: None,
    };
    scene.told(AuditStarted {
        round: 2,
        tip: scene.tip,
        scope: AuditScope::Full,
        mode: Some(AuditMode::Standard),
        spec: None,
        left_out: Vec::new(),
    });
    scene.told(AuditFinding { round: 2, finding });
    scene.told(AuditFinished {
        round: 2,
        tip: scene.tip,
        certifier: Certifier::None,
        adversary: None,
    });
    let findings = vec!["greets".to_owned()];
    let key = "login-1234".to_owned();
    scene.add(Entry::group(
        "login",
        RepairStarted {
            key: key.clone(),
            findings,
            round: 2,
            failures: Vec::new(),
            strategy: None,
        },
    ));
    let packet = collected(&scene);
    assert_eq!(packet.groups[1].state, GroupState::Running);
    assert!(packet.groups[1].reason.contains("was reopened"), "{}", packet.groups[1].reason);
    assert_eq!(packet.repairs[0].outcome, RepairOutcome::Running);
    assert_eq!(packet.audit.outcome, AuditOutcome::Failed);
    assert_eq!((packet.audit.rounds, packet.audit.certifier.as_deref()), (2, None));
    assert!(!packet.findings[0].repaired);
    assert_eq!(packet.checks.iter().filter(|c| c.flaky).count(), 1);
    scene.landed("login", "src/login/c.py");
    let outcome = "landed".to_owned();
    scene.add(Entry::group("login", RepairFinished { key, outcome }));
    let packet = collected(&scene);
    let repair = &packet.repairs[0];
    assert_eq!((repair.outcome, repair.attempts), (RepairOutcome::Repaired, 1));
    assert_eq!(repair.subject, "greets: nobody is greeted");
    assert_eq!(repair.commit, packet.tip);
    assert!(packet.findings[0].repaired);
    // The product moved on, so nothing of the last audit holds for it.
    assert_eq!(packet.verdict.word, Word::Unverified);
    assert_eq!((packet.audit.outcome, packet.audit.rounds), (AuditOutcome::NotRun, 2));
}
