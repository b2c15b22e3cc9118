//! How single events move the state of a session.

use super::*;
use crate::session::event::{ProviderWaiting, ProviderWoken};

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_800_000_000 + second).expect("an instant")
}

fn told(state: &mut State, second: i64, event: impl Into<Event>) {
    let (group, attempt, actor) = (None, None, "a test".into());
    let (seq, hash) = (state.events + 1, Sha256::ZERO);
    state.apply(&Record { seq, at: at(second), group, attempt, actor, event: event.into(), hash });
}

fn refused(until: i64, class: &str) -> ProviderWaiting {
    let until = at(until).to_string();
    ProviderWaiting { provider: "busy".into(), until, class: class.into() }
}

fn of_group(state: &mut State, attempt: u32, event: impl Into<Event>) {
    let (seq, hash) = (state.events + 1, Sha256::ZERO);
    let (group, attempt) = (Some("g".to_owned()), Some(attempt));
    let (actor, event) = ("a test".to_owned(), event.into());
    state.apply(&Record { seq, at: at(0), group, attempt, actor, event, hash });
}

fn oid(n: u8) -> crate::git::Oid {
    format!("{n:02x}").repeat(20).parse().expect("an id")
}

fn started() -> crate::session::event::AttemptStarted {
    crate::session::event::AttemptStarted {
        role: "build".into(),
        base: oid(1),
        dep_heads: Default::default(),
        start: oid(1),
        provider: "command".into(),
        model: None,
        spec: Sha256::ZERO,
    }
}

fn spec_changed(judge_first: bool) -> GroupInvalidated {
    GroupInvalidated { reason: Invalid::SpecChanged, brief: "told".into(), judge_first }
}

#[test]
fn what_was_being_made_for_another_spec_is_kept_and_goes_back() {
    use crate::session::event::AttemptFinished;
    let mut state = State::default();
    of_group(&mut state, 1, started());
    of_group(&mut state, 1, spec_changed(false));
    assert_eq!(state.phase("g"), Phase::Building { attempt: 1 }, "its agent still works");
    let end = AttemptFinished {
        outcome: AttemptOutcome::Passing,
        commit: Some(oid(7)),
        ..AttemptFinished::interrupted()
    };
    of_group(&mut state, 1, end);
    let sent_back = Phase::Invalidated {
        reason: Invalid::SpecChanged,
        brief: "told".into(),
        judge_first: false,
    };
    assert_eq!(state.phase("g"), sent_back);
    let group = state.group("g").expect("it was built");
    assert_eq!((group.tries, group.overtaken), (0, false));
    assert_eq!(group.attempts[0].finished.as_ref().and_then(|f| f.commit), Some(oid(7)));
}

#[test]
fn a_spec_that_asks_for_other_work_reopens_what_landed_and_nothing_reopens_an_ended_group() {
    use crate::session::event::{GroupAborted, MergeLanded, MergeRedundant};
    let mut state = State::default();
    let landed = MergeLanded {
        old: oid(1),
        new: oid(2),
        tested_commit: oid(3),
        tree: oid(4),
        head: oid(5),
        boot: None,
    };
    of_group(&mut state, 1, landed);
    of_group(&mut state, 1, spec_changed(true));
    assert_eq!(state.phase("g"), Phase::Landed, "that is for the audit");
    of_group(&mut state, 1, spec_changed(false));
    assert!(matches!(state.phase("g"), Phase::Invalidated { .. }));
    assert!(state.group("g").expect("it landed").landed.is_some(), "it is still in");
    of_group(&mut state, 1, MergeRedundant { head: oid(5), held_by: oid(2) });
    assert_eq!(state.phase("g"), Phase::Landed, "good as it is");
    let ended = GroupAborted { reason: "no".into() };
    let mut state = State::default();
    of_group(&mut state, 1, ended);
    of_group(&mut state, 1, spec_changed(false));
    assert!(matches!(state.phase("g"), Phase::Aborted { .. }));
}

#[test]
fn requests_are_numbered_and_answered_once() {
    use crate::session::event::{SpecAnswered, SpecRequested};
    let mut state = State::default();
    let asked = |problems: &[&str]| SpecRequested {
        reason: "r".into(),
        wish: "w".into(),
        change: None,
        problems: problems.iter().map(|p| (*p).to_owned()).collect(),
        sha256: Sha256::ZERO,
    };
    of_group(&mut state, 1, asked(&[]));
    of_group(&mut state, 1, asked(&["no JSON"]));
    of_group(&mut state, 2, asked(&[]));
    let open = |s: &State| s.open_requests().map(|(n, _)| n).collect::<Vec<_>>();
    assert_eq!(open(&state), [1, 3], "a refused one waits for nobody");
    let say = |request, accepted| SpecAnswered {
        request,
        accepted,
        by: "user:ann".into(),
        note: String::new(),
    };
    for (request, accepted) in [(1, true), (1, false), (2, true), (0, true), (9, true)] {
        told(&mut state, 1, say(request, accepted));
    }
    assert_eq!(open(&state), [3]);
    assert!(state.requests[0].answer.as_ref().is_some_and(|a| a.accepted));
    assert_eq!(state.requests[1].answer, None);
}

#[test]
fn refusals_count_by_class_and_turns_at_the_same_time_once() {
    let mut state = State::default();
    let times = |s: &State, class| s.refusals["busy"].times.get(class).copied();
    for until in [60, 61, 62] {
        told(&mut state, 0, refused(until, "network"));
    }
    assert_eq!(times(&state, "network"), Some(1), "one limit, met by three");
    told(&mut state, 62, refused(100, "network"));
    assert_eq!(times(&state, "network"), Some(2), "asked again, and refused again");
    told(&mut state, 100, refused(200, "quota"));
    assert_eq!((times(&state, "network"), times(&state, "quota")), (Some(2), Some(1)));
    assert_eq!(state.waiting(at(199)).count(), 1);
    assert_eq!(state.waiting(at(200)).count(), 0, "its time has come");
    let woken =
        |by: Option<&str>| ProviderWoken { provider: "busy".into(), by: by.map(str::to_owned) };
    told(&mut state, 150, woken(Some("a person")));
    assert_eq!((state.waits.len(), times(&state, "quota")), (0, Some(1)), "not said to work");
    told(&mut state, 150, woken(None));
    assert!(state.refusals.is_empty());
}

#[test]
fn the_hours_between_two_runs_are_no_work() {
    use crate::session::event::{RunFinished, RunPaused, RunResumed};
    let waits = || Event::RunPaused(RunPaused { reason: "a limit".into() });
    let goes_on = || Event::RunResumed(RunResumed { changes: Default::default() });
    let ends = || Event::RunFinished(RunFinished { exit: 1 });
    let worked = |events: Vec<(i64, Event)>| {
        let mut state = State::default();
        events.into_iter().for_each(|(second, event)| told(&mut state, second, event));
        state.worked_s
    };
    let paused = vec![(100, goes_on()), (110, waits()), (4000, goes_on()), (4005, ends())];
    assert_eq!(worked(paused), 15.0);
    // A kill writes nothing.
    assert_eq!(worked(vec![(0, goes_on()), (7000, goes_on()), (7001, ends())]), 1.0);
    let later = vec![(0, goes_on()), (3, ends()), (900, ends()), (999, goes_on()), (1003, ends())];
    assert_eq!(worked(later), 7.0);
    // A clock that was set back takes nothing away.
    assert_eq!(worked(vec![(50, goes_on()), (20, waits()), (30, goes_on()), (31, ends())]), 1.0);
}
