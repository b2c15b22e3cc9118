//! What the packet tells of attempts, judges and a landing that was accepted as it was.

use super::scene::Scene;
use super::*;
use crate::session::event::*;
use crate::session::journal::Entry;
use crate::stage::render::packet::CheckOutcome;

fn collected(scene: &Scene) -> ProofPacket {
    collect(&scene.ws, &scene.session, &scene.spec).expect("a packet")
}

#[test]
fn a_red_attempt_is_told_by_its_checks_and_not_by_what_the_agent_was_told() {
    let mut scene = Scene::new();
    scene.approved();
    let base = scene.tip;
    let started = AttemptStarted {
        role: "build".into(),
        base,
        dep_heads: Default::default(),
        start: base,
        provider: "command".into(),
        model: None,
        spec: scene.spec.content_hash(),
    };
    scene.add(Entry::attempt("login", 1, started));
    let red = |detail: &str| {
        let mut outcome = scene.outcome("failed", "expectation", "{\"v\": 1}\n");
        outcome["detail"] = detail.into();
        outcome
    };
    let all = [
        ("greets", CheckPhase::Base, red("nothing is there"), false),
        ("greets", CheckPhase::Attempt, red("step 4: the address is /books"), false),
        ("remembers", CheckPhase::Attempt, scene.outcome("passed", "ok", "fine\n"), true),
        ("suite", CheckPhase::Attempt, scene.outcome("not_run", "missing_tool", ""), false),
    ];
    for (check, phase, outcome, cached) in all {
        let check = check.to_owned();
        let event = GroupChecked { check, phase, outcome: outcome.into(), cached, run: None };
        scene.add(Entry::attempt("login", 1, event));
    }
    let brief = "These checks are not green on the commit of your work:\n\n- greets: failed";
    let end = AttemptFinished {
        outcome: AttemptOutcome::ChecksFailed,
        commit: Some(base),
        tree: Some(scene.tree(base)),
        files: 1,
        violations: Vec::new(),
        left_out: Vec::new(),
        fingerprint: None,
        brief: brief.into(),
        turn: "completed".into(),
        claim: String::new(),
        duration_s: 3.0,
        boot: None,
        conversation: None,
    };
    scene.add(Entry::attempt("login", 1, end));
    let packet = collected(&scene);
    let group = packet.groups.iter().find(|g| g.id == "login").expect("the group");
    assert_eq!(
        group.attempts[0].reason,
        "Not green:\n`greets`: step 4: the address is /books\n`suite`: not run, missing tool"
    );
    let reused: Vec<&str> =
        packet.checks.iter().filter(|c| c.cached).map(|c| c.id.as_str()).collect();
    assert_eq!(reused, ["remembers"]);
    assert!(packet.checks.iter().all(|c| c.outcome != CheckOutcome::Passed || c.detail.is_empty()));
}

#[test]
fn what_judges_said_and_cited_in_vain_is_told() {
    let mut scene = Scene::new();
    scene.approved().landed("store", "src/store/a.py").landed("login", "src/login/b.py");
    scene.told(AuditStarted {
        round: 1,
        tip: scene.tip,
        scope: AuditScope::Full,
        mode: Some(AuditMode::Standard),
        spec: None,
        left_out: Vec::new(),
    });
    let judged = |word, why: &str| Judgement {
        feature: "login".into(),
        word,
        severity: Severity::Polish,
        why: why.into(),
        evidence: Vec::new(),
    };
    let struck = Struck { cited: "sha256:feed".into(), by: "feature login".into() };
    scene.told(AuditFinished {
        round: 1,
        tip: scene.tip,
        certifier: Certifier::Asked(Answered {
            provider: "claude".into(),
            struck: 1,
            citations: vec![struck],
            features: vec![judged(JudgedWord::Partial, "a `wrong` password <b>")],
            ..Answered::default()
        }),
        adversary: None,
    });
    let packet = collected(&scene);
    let [judged] = &packet.audit.judged[..] else { panic!("{:?}", packet.audit.judged) };
    assert_eq!((judged.judge, judged.word), (Judge::Certifier, JudgedWord::Partial));
    assert_eq!(packet.audit.struck_citations[0].cited, "sha256:feed");
    assert_eq!(packet.audit.left_out.len(), scene.spec.checks().count());
    let page = super::super::html(&packet, &super::super::Exhibits::default()).expect("a page");
    for there in [
        "What judges said of it",
        "it can only lower the verdict",
        "The certifier (claude):",
        "because: <span class=\"free\">a <code>wrong</code> password &lt;b&gt;",
        "<code>sha256:feed</code> <span class=\"soft small\">by the certifier, for feature login",
        "Struck, a citation of the certifier",
    ] {
        assert!(page.contains(there), "{there}");
    }
    assert_eq!(packet, ProofPacket::from_json(&packet.to_json()).expect("it reads"));
}

#[test]
fn a_landing_that_was_accepted_as_it_was_says_so() {
    let mut scene = Scene::whole();
    let target = "refs/heads/main".to_owned();
    let (old, new) = (scene.session.record.base, scene.tip);
    let began = |accepted: Option<&str>| LandStarted {
        target: target.clone(),
        old,
        new,
        checked_out: false,
        accepted: accepted.map(str::to_owned),
        by: accepted.map(|_| "user:ann".to_owned()),
    };
    scene.told(began(Some("partial")));
    assert_eq!(collected(&scene).accepted, None, "it has not landed");
    scene.told(LandLanded { target: target.clone(), old, new });
    let packet = collected(&scene);
    let taken = packet.accepted.as_ref().expect("accepted");
    assert_eq!((taken.verdict.as_str(), taken.by.as_deref()), ("partial", Some("user:ann")));
    let label = "Landing on refs/heads/main began, accepted as partial by user:ann";
    assert!(packet.timeline.iter().any(|e| e.label == label));
    let page = super::super::html(&packet, &super::super::Exhibits::default()).expect("a page");
    assert!(page.contains("although it is not passed: accepted as partial by user:ann."));
    // What was passed when it landed next is accepted by nobody.
    scene.told(began(None)).told(LandLanded { target: target.clone(), old, new });
    assert_eq!(collected(&scene).accepted, None);
}
