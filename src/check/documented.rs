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
    // Checks say their kind, outcomes their outcome, a scenario its check.
    let mut seen = [0; 3];
    for block in json_blocks() {
        let value: serde_json::Value = serde_json::from_str(block).expect("JSON");
        let check = value.get("check").unwrap_or(&value);
        if check.get("kind").is_some() {
            let check: Check = serde_json::from_value(check.clone()).expect("a check");
            check.body().expect("of a known kind");
            seen[usize::from(value.get("check").is_some())] += 1;
        } else if value.get("reason").is_some() {
            serde_json::from_value::<Outcome>(value).expect("an outcome");
            seen[2] += 1;
        }
    }
    assert!(seen.iter().all(|n| *n > 0), "{seen:?}");
}
