//! `docs/checks.md` names every reason with its outcome, every built-in kind, and samples that load.

use super::{Outcome, Reason};
use crate::spec::Check;
use crate::spec::model::BUILT_IN_KINDS;

const PAGE: &str = include_str!("../../docs/checks.md");

/// The first two cells of the rows of the table below `head`.
fn rows(head: &str) -> Vec<(&'static str, &'static str)> {
    let (_, table) = PAGE.split_once(head).expect("the table");
    let rows = table.lines().skip(2).take_while(|l| l.starts_with('|'));
    rows.map(|row| {
        let mut cells = row.split('|').skip(1).map(|c| c.trim().trim_matches('`'));
        (cells.next().expect("a cell"), cells.next().expect("a second cell"))
    })
    .collect()
}

fn json_blocks() -> Vec<&'static str> {
    let pieces = PAGE.split("\n```json\n").skip(1);
    pieces.map(|rest| rest.split("```").next().expect("a closed block")).collect()
}

#[test]
fn every_reason_is_there_with_its_outcome() {
    // serde names every word that it knows when it meets one that it does not.
    let unknown = serde_json::from_str::<Reason>("\"?\"").expect_err("no reason").to_string();
    let known: Vec<&str> = unknown.split('`').skip(3).step_by(2).collect();
    let rows = rows("| reason | outcome | |");
    assert_eq!(rows.iter().map(|r| r.0).collect::<Vec<_>>(), known);
    for (word, outcome) in rows {
        let reason: Reason = serde_json::from_value(word.into()).expect("a reason");
        assert_eq!(reason.status().word(), outcome, "{word}");
    }
}

#[test]
fn every_kind_is_there() {
    let kinds: Vec<&str> = rows("| kind | keys | passes when |").iter().map(|r| r.0).collect();
    assert_eq!(kinds, BUILT_IN_KINDS);
}

#[test]
fn the_samples_load() {
    let blocks = json_blocks();
    let check: Check = serde_json::from_str(blocks[0]).expect("a check");
    check.body().expect("of a known kind");
    let metric: Check = serde_json::from_str(blocks[1]).expect("a check");
    metric.body().expect("of a known kind");
    serde_json::from_str::<Outcome>(blocks[2]).expect("an outcome");
    let scenario: serde_json::Value = serde_json::from_str(blocks[4]).expect("a scenario");
    let check: Check = serde_json::from_value(scenario["check"].clone()).expect("a check");
    check.body().expect("of a known kind");
}
