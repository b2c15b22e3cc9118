//! The samples of `docs/formats.md`: one for each kind, and each is read and written unchanged.

use std::path::Path;

use serde_json::Value;

use super::{Event, KINDS};
use crate::session::journal::{Position, parse_line};

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
