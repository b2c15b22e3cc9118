use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::Strategy;

use super::*;
use crate::git::Oid;
use crate::session::event::{AuditMode, Certifier, Course, Failure, Severity};
use crate::session::state::{AuditCheck, GroupState, Landing, Phase};

fn oid(n: u32) -> Oid {
    format!("{n:040x}").parse().expect("an id")
}

fn print(n: u8) -> Sha256 {
    Sha256::of(&[n])
}

/// What an audit says of one check of a group.
#[derive(Debug, Clone)]
struct Red {
    check: u8,
    group: u8,
    /// How it fails.
    way: u8,
    kind: FindingKind,
}

fn red(check: u8, group: u8, way: u8) -> Red {
    Red { check, group, way, kind: FindingKind::ProductFailure }
}

fn finding(red: &Red) -> Finding {
    Finding {
        id: format!("c{}", red.check),
        kind: red.kind,
        severity: Severity::Critical,
        text: "red".into(),
        features: Vec::new(),
        group: Some(format!("g{}", red.group)),
        check: Some(format!("c{}", red.check)),
        reproduction: String::new(),
        evidence: Vec::new(),
        beyond: None,
        failure: Some(Failure {
            fingerprint: print(red.way),
            paths: Vec::new(),
            routed: String::new(),
        }),
    }
}

/// A product of three groups that are all in it.
fn product() -> State {
    let mut state = State { base: Some(oid(1)), ..State::default() };
    for n in 0..3 {
        let group = GroupState { phase: Phase::Landed, ..GroupState::default() };
        state.groups.insert(format!("g{n}"), group.into());
    }
    land(&mut state);
    state
}

fn land(state: &mut State) {
    let new = oid(100 + state.landings.len() as u32);
    state.landings.push(Landing {
        group: "g0".into(),
        attempt: None,
        old: state.tip().expect("a tip"),
        new,
        tested_commit: new,
        tree: new,
        head: new,
        at: jiff::Timestamp::UNIX_EPOCH,
        boot: None,
    });
}

fn audit(state: &mut State, reds: &[Red], only: Option<&[String]>) {
    let looked = |id: &String| only.is_none_or(|o| o.contains(id));
    let ids = (0..6).map(|n| format!("c{n}")).filter(looked);
    let check = |check| AuditCheck {
        check,
        scenario: None,
        asked: None,
        outcome: serde_json::json!({}).into(),
    };
    state.audits.push(Audit {
        round: state.audits.len() as u32 + 1,
        tip: state.tip().expect("a tip"),
        scope: if only.is_some() { AuditScope::Narrowed } else { AuditScope::Full },
        mode: Some(AuditMode::Standard),
        adversary: None,
        spec: None,
        left_out: Vec::new(),
        checks: ids.map(check).collect(),
        findings: reds.iter().map(finding).filter(|f| looked(&f.id)).collect(),
        finished: Some(Certifier::None),
    });
}

/// What `otto repair` records of a dispatch, and the outcome that it had.
fn tried(state: &mut State, todo: &Todo, outcome: &str) {
    state.repairs.push(Repair {
        key: todo.key.clone(),
        group: todo.group.clone(),
        findings: todo.findings.iter().map(|f| f.id.clone()).collect(),
        round: state.audits.last().map_or(0, |a| a.round),
        failures: todo.failures(),
        strategy: todo.strategy,
        outcome: Some(outcome.into()),
    });
}

fn only(state: &State) -> Todo {
    let mut todos = plan(state, &Told::new());
    assert_eq!(todos.len(), 1, "{todos:?}");
    todos.remove(0)
}

fn steer(state: &mut State, gid: &str, course: Course) {
    let group = state.groups.get_mut(gid).expect("a group");
    std::sync::Arc::make_mut(group).course = Some(course);
}

#[test]
fn the_same_check_that_fails_in_another_way_is_another_entry() {
    let mut state = product();
    audit(&mut state, &[red(0, 1, 1)], None);
    let first = only(&state);
    tried(&mut state, &first, "not repaired");
    assert_eq!(next(&state, &Told::new()), Next::Nothing, "not twice the same way");
    land(&mut state);
    audit(&mut state, &[red(0, 1, 2)], None);
    assert_ne!(only(&state).key, first.key);
}

#[test]
fn the_same_failure_is_tried_again_only_in_another_way_and_not_for_ever() {
    let mut state = product();
    audit(&mut state, &[red(0, 1, 1)], None);
    let todo = only(&state);
    tried(&mut state, &todo, "not repaired");
    steer(&mut state, "g1", Course::RetryDifferent);
    let other = only(&state);
    assert_eq!(other.strategy.way, Way::RetryDifferent);
    tried(&mut state, &other, "not repaired");
    assert_eq!(plan(&state, &Told::new()), []);
    // Somebody wrote down what the builder did not know.
    let told = |n| Told::from([("g1".to_owned(), print(n))]);
    let third = plan(&state, &told(7)).remove(0);
    tried(&mut state, &third, "not repaired");
    assert_eq!(plan(&state, &told(8)), [], "three times are enough");
}

#[test]
fn what_the_pilot_skips_is_left_alone_and_a_stop_is_no_try() {
    let mut state = product();
    audit(&mut state, &[red(0, 1, 1), red(1, 2, 2)], None);
    steer(&mut state, "g1", Course::Skip);
    let todo = only(&state);
    assert_eq!(todo.group, "g2");
    tried(&mut state, &todo, INTERRUPTED);
    assert_eq!(only(&state).key, todo.key);
}

#[test]
fn a_narrowed_audit_says_what_is_left_of_what_was_found() {
    let mut state = product();
    audit(&mut state, &[red(0, 1, 1), red(1, 2, 2)], None);
    land(&mut state);
    audit(&mut state, &[], Some(&["c0".to_owned()]));
    assert_eq!(only(&state).group, "g2");
    audit(&mut state, &[red(1, 2, 3)], Some(&["c1".to_owned()]));
    assert_eq!(only(&state).failures(), [print(3)], "it fails in another way now");
}

#[test]
fn what_comes_back_and_what_stays_ends_repair() {
    let mut state = product();
    let reds = |n: u8| [red(n, n, n)];
    for (n, ends) in [(1, None), (2, None), (1, Some(Halt::Oscillation))] {
        audit(&mut state, &reds(n), None);
        assert_eq!(stop(&state).map(|s| s.reason), ends, "{n}");
        if ends.is_none() {
            let todo = only(&state);
            land(&mut state);
            tried(&mut state, &todo, LANDED);
        }
    }
    let Next::Stop(stopped) = next(&state, &Told::new()) else { panic!("it ends") };
    assert_eq!(stopped.failures, [print(1)]);
    state.halted = Some((stopped.round, stopped.reason));
    assert_eq!(next(&state, &Told::new()), Next::Nothing, "said once");
    assert_eq!(open(&state), []);
    // A person takes the finished run up again: its last audit is the first of the next run.
    state.audits_before = state.audits.len() - 1;
    state.halted = None;
    assert_eq!(stop(&state), None);

    let mut state = product();
    audit(&mut state, &reds(1), None);
    let todo = only(&state);
    land(&mut state);
    tried(&mut state, &todo, STILL_THERE);
    audit(&mut state, &reds(1), None);
    assert_eq!(stop(&state).map(|s| s.reason), Some(Halt::NoProgress));
}

#[test]
fn a_flaky_look_at_the_same_product_is_no_circle() {
    let mut state = product();
    audit(&mut state, &[red(1, 1, 1)], None);
    audit(&mut state, &[], None);
    audit(&mut state, &[red(1, 1, 1)], None);
    assert_eq!(stop(&state), None);
}

fn kind() -> impl Strategy<Value = FindingKind> {
    prop_oneof![
        3 => Just(FindingKind::ProductFailure),
        1 => Just(FindingKind::ProofGap),
        1 => Just(FindingKind::Scope),
        1 => Just(FindingKind::Opinion),
    ]
}

fn reds() -> impl Strategy<Value = Vec<Red>> {
    let one = (0..6u8, 0..3u8, 0..4u8, kind()).prop_map(|(check, group, way, kind)| Red {
        check,
        group,
        way,
        kind,
    });
    proptest::collection::vec(one, 0..6)
}

proptest! {
    /// Whatever audits find, repairs come to, and pilots say: repair ends; only product failures
    /// are repaired; never two dispatches for one group at a time; never the same failure of the
    /// same group the same way twice.
    #[test]
    fn repair_ends_and_repeats_nothing(
        found in proptest::collection::vec(reds(), 1..12),
        outcomes in proptest::collection::vec(0..4usize, 40),
        courses in proptest::collection::vec((0..3usize, 0..3usize), 40),
        words in proptest::collection::vec(0..3u8, 40),
    ) {
        let mut state = product();
        let mut ledger: BTreeSet<(String, Sha256, crate::session::event::Strategy)> = BTreeSet::new();
        let mut dispatched = 0;
        let mut audits = found.iter().cycle();
        for step in 0..400 {
            let (gid, course) = courses[step % courses.len()];
            steer(&mut state, &format!("g{gid}"), Course::ALL[course]);
            let word = words[step % words.len()];
            let told: Told = (0..3).filter(|_| word > 0).map(|n| (format!("g{n}"), print(word))).collect();
            if step % 3 == 0 {
                audit(&mut state, audits.next().expect("it is a cycle"), None);
            }
            match next(&state, &told) {
                Next::Nothing => {}
                Next::Stop(stop) => state.halted = Some((stop.round, stop.reason)),
                Next::Dispatch(todos) => {
                    let groups: BTreeSet<&String> = todos.iter().map(|t| &t.group).collect();
                    prop_assert_eq!(groups.len(), todos.len());
                    for todo in &todos {
                        dispatched += 1;
                        let all = todo.findings.iter();
                        prop_assert!(all.clone().all(|f| f.kind == FindingKind::ProductFailure));
                        prop_assert!(todo.findings.iter().all(|f| f.group.as_ref() == Some(&todo.group)));
                        for failure in todo.failures() {
                            let entry = (todo.group.clone(), failure, todo.strategy);
                            prop_assert!(ledger.insert(entry), "twice the same way: {:?}", todo);
                        }
                        let outcome = ["not repaired", LANDED, STILL_THERE, "did not land"]
                            [outcomes[dispatched % outcomes.len()]];
                        if outcome == LANDED || outcome == STILL_THERE {
                            land(&mut state);
                        }
                        tried(&mut state, todo, outcome);
                    }
                }
            }
        }
        // Three groups, four ways to fail, three tries.
        prop_assert!(dispatched <= 3 * 4 * TRIES, "{dispatched}");
        let mut by: std::collections::BTreeMap<(String, Sha256), usize> = Default::default();
        for (group, failure, _) in ledger {
            *by.entry((group, failure)).or_default() += 1;
        }
        prop_assert!(by.values().all(|n| *n <= TRIES));
    }
}
