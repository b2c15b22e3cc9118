mod properties;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::base::Sha256;
use crate::check::Status;
use crate::git::Oid;
use crate::session::event::{
    Answered, Asked, AuditMode, AuditScope, Beyond, Certifier, Finding, FindingKind, Judge,
    JudgedWord, Judgement, Scenario, Severity, Struck,
};
use crate::session::state::{AuditCheck, GroupState, Landing, Phase, SpecState};
use crate::spec::sample;

fn oid(n: u8) -> Oid {
    format!("{n:02x}").repeat(20).parse().expect("an id")
}

const TIP: u8 = 9;

fn outcome(status: Status) -> Value {
    let (word, reason) = match status {
        Status::Passed => ("passed", "ok"),
        Status::Failed => ("failed", "exit_nonzero"),
        Status::NotRun => ("not_run", "timeout"),
    };
    json!({"outcome": word, "reason": reason, "detail": "", "tests": null, "exit": 0,
           "signal": null, "duration_s": 0.5, "commit": oid(TIP), "tree": oid(1), "evidence": []})
}

fn json_outcome(status: Status) -> crate::base::Json {
    outcome(status).into()
}

fn scenario(id: &str, features: &[&str], severity: Severity) -> Scenario {
    Scenario {
        id: id.into(),
        title: id.into(),
        features: features.iter().map(|f| (*f).to_owned()).collect(),
        severity,
        held_out: true,
        sha256: Sha256::of(id.as_bytes()),
    }
}

fn check(id: &str, scenario: Option<Scenario>, status: Status) -> AuditCheck {
    AuditCheck { check: id.into(), scenario, asked: None, outcome: json_outcome(status) }
}

fn finding(id: &str, kind: FindingKind, features: &[&str]) -> Finding {
    Finding {
        id: id.into(),
        kind,
        severity: Severity::Important,
        text: format!("text of {id}"),
        features: features.iter().map(|f| (*f).to_owned()).collect(),
        group: None,
        check: None,
        reproduction: String::new(),
        evidence: Vec::new(),
        beyond: None,
        failure: None,
    }
}

/// Both groups landed, and an audit in which every check and one scenario passed.
fn good() -> (Spec, State) {
    let spec = sample::good();
    let mut state = State { base: Some(oid(0)), ..State::default() };
    let sha256 = spec.content_hash();
    let at = jiff::Timestamp::UNIX_EPOCH;
    state.spec = SpecState::Approved { sha256, first: sha256, by: "auto".into(), at };
    for (n, group) in spec.groups.iter().enumerate() {
        let new = oid(TIP - 1 + n as u8);
        let landing = Landing {
            group: group.id.clone(),
            attempt: Some(1),
            old: oid(n as u8),
            new,
            tested_commit: new,
            tree: oid(1),
            head: new,
            at,
            boot: None,
        };
        state.landings.push(landing.clone());
        let found = Arc::make_mut(state.groups.entry(group.id.clone()).or_default());
        found.phase = Phase::Landed;
        found.landed = Some(landing);
    }
    let mut checks: Vec<AuditCheck> =
        spec.checks().map(|(_, c)| check(&c.id, None, Status::Passed)).collect();
    checks.push(check("s", Some(scenario("s", &["login"], Severity::Critical)), Status::Passed));
    state.audits.push(Audit {
        spec: None,
        left_out: Vec::new(),
        round: 1,
        tip: oid(TIP),
        scope: AuditScope::Full,
        mode: Some(AuditMode::Standard),
        checks,
        findings: Vec::new(),
        finished: Some(asked(Answered::default())),
        adversary: None,
    });
    (spec, state)
}

fn asked(answered: Answered) -> Certifier {
    Certifier::Asked(Answered { provider: "command".into(), ..answered })
}

fn judged(spec: &Spec, state: &State) -> ProductVerdict {
    verdict(spec, state, &ChainState::Intact)
}

fn word_of(v: &ProductVerdict, feature: &str) -> FeatureWord {
    v.features.iter().find(|f| f.id == feature).expect("in the sample").word
}

fn broken() -> ChainState {
    ChainState::Broken { what: "line 3".into() }
}

#[test]
fn everything_shown_is_passed_and_nothing_else_exits_with_0() {
    let (spec, state) = good();
    let v = judged(&spec, &state);
    assert_eq!((v.word, &v.reasons[..]), (Word::Passed, &[][..]));
    assert_eq!(v.features[1].checks, ["greets", "remembers", "s"]);
    assert_eq!(v.limits.len(), 2, "{:?}", v.limits);
    assert!(v.limits[0].starts_with("Nobody attacked the product (injection, "), "{:?}", v.limits);
    assert_eq!(v.limits[1], "Check `suite` is judged by its exit code alone: it counts no tests.");
    let words = [Word::Passed, Word::Unverified, Word::Partial, Word::Failed, Word::Blocked];
    let zero: Vec<Word> = words.into_iter().filter(|w| w.exit() == Exit::YES).collect();
    assert_eq!(zero, [Word::Passed]);
}

#[test]
fn a_certifier_that_did_not_look_is_a_limit() {
    let (spec, mut state) = good();
    let failed = Certifier::Failed { provider: "command".into(), why: "no answer".into() };
    let cited = |cited: &str| Struck { cited: cited.into(), by: "feature login".into() };
    let citations = vec![cited("sha256:00"), cited("hearsay")];
    let struck = asked(Answered { struck: 2, citations, ..Answered::default() });
    for (certifier, said) in [
        (Certifier::None, "deterministic"),
        (failed, "no answer"),
        (struck, "evidence. sha256:00 (feature login), hearsay"),
    ] {
        state.audits[0].finished = Some(certifier);
        let v = judged(&spec, &state);
        assert_eq!(v.word, Word::Passed);
        assert!(v.limits.iter().any(|l| l.contains(said)), "{:?}", v.limits);
    }
}

#[test]
fn a_product_without_an_audit_of_its_tip_is_unverified() {
    let (spec, good) = good();
    let mut never = good.clone();
    never.audits.clear();
    let mut open = good.clone();
    open.audits[0].finished = None;
    let mut narrowed = good.clone();
    narrowed.audits[0].scope = AuditScope::Narrowed;
    let mut moved = good.clone();
    let mut landing = moved.landings[1].clone();
    landing.new = oid(77);
    moved.landings.push(landing);
    for state in [never, open, narrowed, moved] {
        let v = judged(&spec, &state);
        assert_eq!(v.word, Word::Unverified);
        assert!(v.features.iter().all(|f| f.word == FeatureWord::Missing));
    }
}

#[test]
fn a_red_acceptance_check_fails_its_feature_only() {
    let (spec, mut state) = good();
    state.audits[0].checks[0].outcome = json_outcome(Status::Failed);
    let v = judged(&spec, &state);
    assert_eq!(v.word, Word::Partial);
    assert_eq!(word_of(&v, "listing"), FeatureWord::Failed);
    assert_eq!(word_of(&v, "login"), FeatureWord::Passed);
    for one in &mut state.audits[0].checks {
        one.outcome = json_outcome(Status::Failed);
    }
    assert_eq!(judged(&spec, &state).word, Word::Failed);
}

#[test]
fn a_regression_check_is_no_evidence_and_still_counts_against_the_product() {
    let (mut spec, mut state) = good();
    let suite = &mut spec.groups[0].checks[1];
    suite.features = vec!["listing".into()];
    let sha256 = spec.content_hash();
    state.spec = SpecState::Approved {
        sha256,
        first: sha256,
        by: "auto".into(),
        at: jiff::Timestamp::UNIX_EPOCH,
    };
    state.audits[0].checks[0].outcome = json_outcome(Status::NotRun);
    assert_eq!(word_of(&judged(&spec, &state), "listing"), FeatureWord::Missing);
    state.audits[0].checks[0].outcome = json_outcome(Status::Passed);
    state.audits[0].checks[1].outcome = json_outcome(Status::Failed);
    let v = judged(&spec, &state);
    assert_eq!((v.word, word_of(&v, "listing")), (Word::Partial, FeatureWord::Passed));
}

#[test]
fn what_was_not_run_leaves_the_product_unverified() {
    let (spec, mut state) = good();
    state.audits[0].checks[2].outcome = json_outcome(Status::NotRun);
    let v = judged(&spec, &state);
    assert_eq!((v.word, word_of(&v, "login")), (Word::Unverified, FeatureWord::Partial));
    state.audits[0].checks.remove(2);
    let v = judged(&spec, &state);
    assert_eq!((v.word, word_of(&v, "login")), (Word::Unverified, FeatureWord::Partial));
}

#[test]
fn an_outcome_that_cannot_be_read_or_is_of_another_commit_is_no_pass() {
    let (spec, mut state) = good();
    for bad in [json!("passed"), json!({"outcome": "passed"}), {
        let mut other = outcome(Status::Passed);
        other["commit"] = json!(oid(3));
        other
    }] {
        state.audits[0].checks[0].outcome = bad.into();
        let v = judged(&spec, &state);
        assert_eq!((v.word, word_of(&v, "listing")), (Word::Unverified, FeatureWord::Missing));
    }
}

#[test]
fn a_polish_scenario_makes_a_feature_partial() {
    let (spec, mut state) = good();
    let polish = scenario("p", &["login"], Severity::Polish);
    state.audits[0].checks.push(check("p", Some(polish), Status::Failed));
    // The audit writes a finding for what it saw fail; it says nothing new.
    let mut same = finding("p", FindingKind::ProductFailure, &["login"]);
    same.severity = Severity::Polish;
    same.check = Some("p".into());
    state.audits[0].findings.push(same);
    let v = judged(&spec, &state);
    assert_eq!((v.word, word_of(&v, "login")), (Word::Partial, FeatureWord::Partial));
    assert_eq!(v.features[1].reasons.len(), 1, "{:?}", v.features[1].reasons);
}

#[test]
fn findings_lower_by_their_kind() {
    let (spec, good) = good();
    let with = |kind| {
        let mut state = good.clone();
        state.audits[0].findings.push(finding("f1", kind, &["login"]));
        let v = judged(&spec, &state);
        (v.word, word_of(&v, "login"), v.limits.iter().any(|l| l.contains("text of f1")))
    };
    let (passed, partial) = (FeatureWord::Passed, FeatureWord::Partial);
    let failed = (Word::Partial, FeatureWord::Failed, false);
    assert_eq!(with(FindingKind::ProductFailure), failed);
    assert_eq!(with(FindingKind::ProofGap), (Word::Unverified, partial, false));
    assert_eq!(with(FindingKind::Scope), (Word::Partial, passed, false));
    assert_eq!(with(FindingKind::Opinion), (Word::Passed, passed, true));
}

#[test]
fn groups_that_are_not_in_block_their_features() {
    let (spec, good) = good();
    let mut one = good.clone();
    let login = Arc::make_mut(one.groups.get_mut("login").expect("a group"));
    login.phase = Phase::Failed { reason: "no".into() };
    // Reopened by a repair: what landed is still there.
    let v = judged(&spec, &one);
    assert_eq!((v.word, word_of(&v, "login")), (Word::Unverified, FeatureWord::Passed));
    Arc::make_mut(one.groups.get_mut("login").expect("a group")).landed = None;
    let v = judged(&spec, &one);
    assert_eq!((v.word, word_of(&v, "login")), (Word::Partial, FeatureWord::Blocked));
    one.groups.clear();
    assert_eq!(judged(&spec, &one).word, Word::Blocked);
    let mut held = good;
    let login = Arc::make_mut(held.groups.get_mut("login").expect("a group"));
    *login = GroupState { phase: Phase::Redundant { held_by: oid(1) }, ..GroupState::default() };
    assert_eq!(judged(&spec, &held).word, Word::Passed);
}

#[test]
fn a_broken_record_is_never_passed() {
    let (mut spec, mut state) = good();
    assert_eq!(verdict(&spec, &state, &broken()).word, Word::Unverified);
    state.unknown_kind = Some("group.teleported".into());
    assert_eq!(judged(&spec, &state).word, Word::Unverified);
    state.unknown_kind = None;
    spec.non_goals.push("a web interface".into());
    let v = judged(&spec, &state);
    assert_eq!(v.word, Word::Unverified);
    assert!(v.reasons[0].text.contains("without an amendment"), "{:?}", v.reasons);
    let (amended, first) = {
        let old = sample::good();
        let actor = "user:ann".parse().expect("an actor");
        let at = jiff::Timestamp::UNIX_EPOCH;
        (crate::spec::append(&old, spec, "because", &actor, at, ""), old.content_hash())
    };
    let sha256 = amended.content_hash();
    let (by, at) = ("ann".to_owned(), jiff::Timestamp::UNIX_EPOCH);
    state.spec = SpecState::Approved { sha256, first, by, at };
    let links = crate::spec::links(first, &amended.amendments);
    state.spec_links = links.into_iter().map(Some).collect();
    assert_eq!(judged(&amended, &state).word, Word::Passed);
    let mut forged = amended.clone();
    forged.amendments[0].reason.push('!');
    let v = judged(&forged, &state);
    assert_eq!(v.word, Word::Unverified);
    assert!(v.reasons[0].text.contains("amendments[0]"), "{:?}", v.reasons);
}

#[test]
fn red_in_a_later_audit_of_the_same_product_takes_the_proof_away() {
    let (spec, mut state) = good();
    let mut later = state.audits[0].clone();
    later.scope = AuditScope::Narrowed;
    later.checks.truncate(1);
    state.audits.push(later);
    assert_eq!(judged(&spec, &state).word, Word::Passed);
    state.audits[1].checks[0].outcome = json_outcome(Status::Failed);
    assert_eq!(judged(&spec, &state).word, Word::Unverified);
}

#[test]
fn a_judge_lowers_and_never_raises() {
    let (spec, good) = good();
    let with = |word, severity, red: bool| {
        let mut state = good.clone();
        if red {
            state.audits[0].checks[2].outcome = json_outcome(Status::Failed);
        }
        let one = Judgement {
            feature: "login".into(),
            word,
            severity,
            why: "it greets nobody".into(),
            evidence: Vec::new(),
        };
        let answered = Answered { features: vec![one], ..Answered::default() };
        state.audits[0].finished = Some(asked(answered));
        let v = judged(&spec, &state);
        (v.word, word_of(&v, "login"))
    };
    use Severity::{Critical, Important, Polish};
    let (passed, lowered) =
        ((Word::Passed, FeatureWord::Passed), (Word::Unverified, FeatureWord::Partial));
    for (word, severity, wanted) in [
        (JudgedWord::Passed, Critical, passed),
        (JudgedWord::Nothing, Critical, passed),
        (JudgedWord::Partial, Polish, passed),
        (JudgedWord::Partial, Important, lowered),
        (JudgedWord::Missing, Important, lowered),
        (JudgedWord::Failed, Critical, lowered),
    ] {
        assert_eq!(with(word, severity, false), wanted, "{word:?}");
        // Whatever it says of what failed.
        let red = with(word, severity, true);
        assert_eq!(red, (Word::Partial, FeatureWord::Failed), "{word:?}");
    }
}

#[test]
fn scope_and_opinions_cap_by_their_row() {
    let (spec, good) = good();
    let with = |kind, severity, beyond| {
        let mut state = good.clone();
        let one = Finding { severity, beyond, ..finding("f1", kind, &["login"]) };
        state.audits[0].findings.push(one);
        let v = judged(&spec, &state);
        (v.word, v.limits.iter().any(|l| l.contains("text of f1")))
    };
    use Severity::{Critical, Important};
    let ruled_out = || Some(Beyond::RuledOut { non_goal: "a web interface".into() });
    let scope = FindingKind::Scope;
    assert_eq!(with(scope, Important, ruled_out()), (Word::Partial, false));
    assert_eq!(with(scope, Critical, Some(Beyond::Unasked)), (Word::Unverified, false));
    assert_eq!(with(scope, Important, Some(Beyond::Unasked)), (Word::Passed, true));
    assert_eq!(with(FindingKind::Opinion, Critical, None), (Word::Unverified, false));
}

#[test]
fn a_part_that_is_missing_is_not_said_to_be_beyond_the_spec() {
    let (spec, mut state) = good();
    for id in ["scope-files", judged::MISSING_PARTS] {
        let beyond = Some(Beyond::Unasked);
        state.audits[0].findings.push(Finding { beyond, ..finding(id, FindingKind::Scope, &[]) });
    }
    let out = verdict(&spec, &state, &ChainState::Intact);
    let has = |text: &str| out.limits.iter().any(|l| l.ends_with(text));
    assert!(has("Beyond the spec: text of scope-files"), "{:?}", out.limits);
    assert!(has("Missing from the product: text of scope-structure"), "{:?}", out.limits);
}

#[test]
fn what_a_judge_tried_counts_as_the_finding_that_it_made_of_it() {
    let (spec, mut state) = good();
    let mut probe = check("probe-x", None, Status::Failed);
    let asked = Asked { by: Judge::Certifier, turn: 1, check: json!({}).into(), again: false };
    probe.asked = Some(asked.clone());
    state.audits[0].checks.push(probe);
    let v = judged(&spec, &state);
    assert_eq!(v.word, Word::Passed);
    assert!(v.limits.iter().any(|l| l.contains("`probe-x`")), "{:?}", v.limits);
    // Looked at again in a later audit, it is a check like any other.
    let last = state.audits[0].checks.len() - 1;
    state.audits[0].checks[last].asked = Some(Asked { again: true, ..asked });
    assert_eq!(judged(&spec, &state).word, Word::Partial);
}

#[test]
fn a_thorough_audit_without_an_adversary_is_not_passed() {
    let (spec, mut state) = good();
    state.audits[0].mode = Some(AuditMode::Thorough);
    let failed = Certifier::Failed { provider: "command".into(), why: "no answer".into() };
    for adversary in [None, Some(Certifier::None), Some(failed)] {
        state.audits[0].adversary = adversary;
        assert_eq!(judged(&spec, &state).word, Word::Unverified);
    }
    state.audits[0].adversary = Some(asked(Answered::default()));
    assert_eq!(judged(&spec, &state).word, Word::Passed);
}
