use proptest::prelude::*;

use super::*;

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![4 => Just(Status::Passed), 1 => Just(Status::Failed), 1 => Just(Status::NotRun)]
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![
        5 => Just(Phase::Landed),
        1 => Just(Phase::Redundant { held_by: oid(2) }),
        1 => Just(Phase::Pending),
        1 => Just(Phase::Failed { reason: "no".into() }),
    ]
}

prop_compose! {
    /// Any session around the sample: phases, landings, observations, audits that count or not.
    fn any_state()(
        phases in prop::collection::vec((phase(), any::<bool>()), 2),
        statuses in prop::collection::vec(prop::option::weighted(0.9, status()), 7),
        features in prop::sample::subsequence(vec!["listing", "login", "nothing"], 0..=3),
        severity in prop_oneof![Just(Severity::Critical), Just(Severity::Polish)],
        counts in prop_oneof![6 => Just(0_u8), 1 => Just(1), 1 => Just(2), 1 => Just(3)],
    ) -> State {
        let (spec, mut state) = good();
        for (group, (phase, landed)) in spec.groups.iter().zip(phases) {
            let found = Arc::make_mut(state.groups.get_mut(&group.id).expect("it landed"));
            if !landed && phase != Phase::Landed {
                found.landed = None;
            }
            found.phase = phase;
        }
        let audit = &mut state.audits[0];
        let mut checks = Vec::new();
        for (mut one, status) in std::mem::take(&mut audit.checks).into_iter().zip(statuses) {
            let Some(status) = status else { continue };
            one.outcome = json_outcome(status);
            if let Some(s) = &mut one.scenario {
                *s = scenario(&s.id, &features, severity);
            }
            checks.push(one);
        }
        audit.checks = checks;
        match counts {
            1 => audit.finished = None,
            2 => audit.tip = oid(3),
            3 => audit.scope = AuditScope::Narrowed,
            _ => {}
        }
        state
    }
}

#[derive(Debug, Clone)]
enum Red {
    Check(usize, Status),
    Scenario(Status, &'static str, Severity),
    Finding(FindingKind, &'static str, Severity, Option<Beyond>),
    Word(JudgedWord, &'static str, Severity),
    Later(Status),
    Chain,
}

fn red() -> impl Strategy<Value = Red> {
    let status = prop_oneof![Just(Status::Failed), Just(Status::NotRun)];
    let feature = prop_oneof![Just("listing"), Just("login"), Just("nothing")];
    let severity =
        prop_oneof![Just(Severity::Critical), Just(Severity::Important), Just(Severity::Polish)];
    let kind = prop_oneof![
        Just(FindingKind::ProductFailure),
        Just(FindingKind::ProofGap),
        Just(FindingKind::Scope),
        Just(FindingKind::Opinion)
    ];
    let beyond = prop_oneof![
        Just(None),
        Just(Some(Beyond::Unasked)),
        Just(Some(Beyond::RuledOut { non_goal: "a web interface".into() }))
    ];
    let word = prop_oneof![
        Just(JudgedWord::Passed),
        Just(JudgedWord::Nothing),
        Just(JudgedWord::Partial),
        Just(JudgedWord::Missing),
        Just(JudgedWord::Failed)
    ];
    prop_oneof![
        (0..6_usize, status.clone()).prop_map(|(n, s)| Red::Check(n, s)),
        (status.clone(), feature.clone(), severity.clone())
            .prop_map(|(s, f, v)| Red::Scenario(s, f, v)),
        (kind, feature.clone(), severity.clone(), beyond)
            .prop_map(|(k, f, v, b)| Red::Finding(k, f, v, b)),
        (word, feature, severity).prop_map(|(w, f, v)| Red::Word(w, f, v)),
        status.prop_map(Red::Later),
        Just(Red::Chain),
    ]
}

proptest! {
    #[test]
    fn passed_means_that_nothing_is_missing(state in any_state(), intact in any::<bool>()) {
        let spec = sample::good();
        let chain = if intact { ChainState::Intact } else { broken() };
        let v = verdict(&spec, &state, &chain);
        let audit = state.last_full_audit().filter(|a| Some(a.tip) == state.tip());
        let whole = intact
            && spec.groups.iter().all(|g| state.phase(&g.id).is_in())
            && audit.is_some_and(|a| {
                a.checks.iter().all(|c| c.outcome.value()["outcome"] == "passed")
                    && spec.checks().all(|(_, c)| a.checks.iter().any(|s| s.check == c.id))
            });
        prop_assert_eq!(v.word == Word::Passed, whole);
        // All reasons are kept, and the strictest cap is the word.
        let caps = v.reasons.iter().map(|r| match r.kind {
            ReasonKind::Lowered { cap } => cap.rank(),
            ReasonKind::Limit => 0,
        });
        prop_assert_eq!(caps.max().unwrap_or(0), v.word.rank());
        prop_assert_eq!(&v, &verdict(&spec, &state, &chain));
    }

    #[test]
    fn more_red_never_raises_a_word_and_hides_no_reason(state in any_state(), red in red()) {
        let spec = sample::good();
        let before = judged(&spec, &state);
        let mut after = state.clone();
        let mut chain = ChainState::Intact;
        let audit = &mut after.audits[0];
        match red {
            Red::Check(n, status) => {
                let id = &spec.checks().nth(n % 5).expect("five checks").1.id;
                audit.checks.push(check(id, None, status));
            }
            Red::Scenario(status, feature, severity) => {
                let more = scenario("more", &[feature], severity);
                audit.checks.push(check("more", Some(more), status));
            }
            Red::Finding(kind, feature, severity, beyond) => {
                let more = finding("more", kind, &[feature]);
                audit.findings.push(Finding { severity, beyond, ..more });
            }
            Red::Word(word, feature, severity) => {
                let why = "because".to_owned();
                let (feature, evidence) = (feature.to_owned(), Vec::new());
                let more = Judgement { feature, word, severity, why, evidence };
                if let Some(Certifier::Asked(answered)) = &mut audit.finished {
                    answered.features.push(more);
                }
            }
            Red::Later(status) => {
                let mut later = audit.clone();
                later.scope = AuditScope::Narrowed;
                later.checks = vec![check(&spec.groups[0].checks[0].id, None, status)];
                after.audits.push(later);
            }
            Red::Chain => chain = broken(),
        }
        let after = verdict(&spec, &after, &chain);
        prop_assert!(after.word.rank() >= before.word.rank());
        for (a, b) in after.features.iter().zip(&before.features) {
            prop_assert!(feature::rank(a.word) >= feature::rank(b.word));
        }
        // "Not run" may become what was seen instead; everything else stays.
        for reason in before.reasons.iter().filter(|r| r.text != "Not run in the audit.") {
            let subject = |r: &&Reason| r.subject == reason.subject;
            prop_assert!(after.reasons.iter().any(|r| subject(&r)), "lost {reason:?}");
        }
    }
}
