//! The samples of `docs/formats.md`: one for each kind, and each is read and written unchanged.

use std::path::Path;

use serde_json::Value;

use super::{Event, KINDS};
use crate::base::Sha256;
use crate::session::State;
use crate::session::journal::{Position, Record, parse_line};

const PAGE: &str = include_str!("../../../docs/formats.md");

/// Kind and `data` of every sample, in the order of the page.
fn samples() -> Vec<(&'static str, &'static str)> {
    let sections = PAGE.split("\n#### `").skip(1);
    sections
        .map(|section| {
            let (kind, rest) = section.split_once('`').expect("a kind in backticks");
            let (_, rest) = rest.split_once("\n```json\n").expect("a sample after its kind");
            (kind, rest.split("\n```").next().expect("a closed block"))
        })
        .collect()
}

#[test]
fn every_kind_has_one_sample() {
    let mut documented: Vec<&str> = samples().into_iter().map(|(kind, _)| kind).collect();
    let mut known = KINDS.to_vec();
    documented.sort_unstable();
    known.sort_unstable();
    assert_eq!(documented, known);
}

#[test]
fn every_sample_is_read_and_written_unchanged() {
    for (kind, data) in samples() {
        let event = Event::parse(kind, data).unwrap_or_else(|e| panic!("{kind}: {e}"));
        assert_eq!(event.kind(), kind);
        let written: Value = serde_json::from_str(&event.data().expect("JSON")).expect("JSON");
        let sample: Value = serde_json::from_str(data).expect("JSON");
        assert_eq!(written, sample, "{kind}");
    }
}

#[test]
fn the_line_of_the_journal_is_intact() {
    let line = PAGE.lines().find(|l| l.starts_with("{\"v\":1,\"seq\":1,")).expect("a line");
    let record = parse_line(line.as_bytes(), Position::START, Path::new("formats.md"));
    assert_eq!(record.expect("intact").event.kind(), "session.created");
}

fn record(seq: u64, event: Event) -> Record {
    Record {
        seq,
        at: "2026-11-20T10:11:12Z".parse().expect("an instant"),
        group: Some("ledger".into()),
        attempt: Some(1),
        actor: "a test".into(),
        event,
        hash: Sha256::ZERO,
    }
}

/// Terminal states absorb (I8): whatever comes after, a group stays what it is. Only a repair, or a
/// spec that asks for other work, reopens one that landed, and nothing one that was aborted.
#[test]
fn no_event_moves_what_is_finished() {
    let all = samples();
    let event = |kind: &str| {
        let (kind, data) = all.iter().find(|(k, _)| *k == kind).expect("a sample");
        Event::parse(kind, data).expect("a sample")
    };
    for terminal in ["group.aborted", "merge.landed", "merge.redundant"] {
        for (kind, _) in &all {
            if *kind == "repair.started" && terminal != "group.aborted" {
                continue;
            }
            let mut state = State::default();
            state.apply(&record(1, event(terminal)));
            let before = state.phase("ledger");
            assert!(before.is_terminal(), "{terminal}");
            state.apply(&record(2, event(kind)));
            assert_eq!(state.phase("ledger"), before, "{kind} after {terminal}");
        }
    }
}

/// An aborted run is never taken up again.
#[test]
fn no_event_reopens_an_aborted_run() {
    for (kind, data) in samples() {
        let mut state = State::default();
        state.apply(&record(1, Event::parse("run.aborted", r#"{"reason":"no"}"#).expect("one")));
        let before = state.run.clone();
        state.apply(&record(2, Event::parse(kind, data).expect("a sample")));
        if kind != "run.aborted" {
            assert_eq!(state.run, before, "{kind}");
        }
    }
}
