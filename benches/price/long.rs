//! Journals of any length, made by the journal's own writer from the events of failed attempts.

use std::path::Path;

use otto::base::Sha256;
use otto::base::clock::Clock;
use otto::git::Oid;
use otto::session::event::{
    AttemptFinished, AttemptOutcome, AttemptStarted, BudgetSpent, CheckPhase, Event, GroupChecked,
    GroupInvalidated, GroupStarted, Invalid, Usage, WorktreeLeased, WorktreeReturned,
};
use otto::session::journal::{Entry, Journal};
use serde_json::json;

/// Events of one attempt that [`lengthen`] writes.
const ROUND: usize = 8;

/// Appends attempts of the `groups`, round and round, until the journal holds `events`. Every
/// attempt is red and taken back by a person, so that all groups may be built afterwards.
pub fn lengthen(journal: &Path, groups: &[String], base: &str, events: usize) {
    // What the checks of the attempts have printed.
    let evidence = journal.with_file_name("evidence");
    std::fs::create_dir_all(&evidence).expect("a folder");
    for gid in groups {
        let name = Sha256::of(gid.as_bytes()).to_string();
        std::fs::write(evidence.join(name), gid).expect("written");
    }
    let clock = Clock::from_env();
    let mut journal = Journal::open(journal, "bench").expect("a whole journal");
    let base: Oid = base.parse().expect("a commit");
    let mut number = 0;
    while journal.position().seq + (groups.len() * ROUND) as u64 <= events as u64 {
        number += 1;
        let round = |gid: &String| attempt(gid, number, base);
        let entries: Vec<Entry> = groups.iter().flat_map(round).collect();
        journal.append_with(&clock, |_| Ok(entries)).expect("appended");
    }
    while journal.position().seq < events as u64 {
        let filler = Entry::group(&groups[0], GroupStarted {});
        journal.append_with(&clock, |_| Ok(vec![filler])).expect("appended");
    }
}

fn attempt(gid: &str, n: u32, base: Oid) -> Vec<Entry> {
    let outcome = json!({
        "outcome": "failed", "reason": "tests_failed", "detail": "1 of 1 tests failed",
        "commit": base, "tree": base, "duration_s": 0.25,
        "evidence": [format!("sha256:{}", Sha256::of(gid.as_bytes()))],
        "tests": {"run": 1, "failed": 1, "skipped": 0},
    });
    let check = format!("{gid}-tests");
    let usage =
        Usage { input: Some(10_000), output: Some(900), usd: Some(0.02), ..Usage::default() };
    let of_attempt: [Event; ROUND - 1] = [
        AttemptStarted {
            role: "build".into(),
            base,
            dep_heads: Default::default(),
            start: base,
            provider: "command".into(),
            model: None,
            spec: Sha256::ZERO,
        }
        .into(),
        WorktreeLeased { slot: "000".into(), path: "/cache/otto/000/project".into(), commit: base }
            .into(),
        BudgetSpent { role: "build".into(), usage, partial: false, turn: None }.into(),
        GroupChecked {
            check,
            phase: CheckPhase::Attempt,
            outcome: outcome.into(),
            cached: false,
            run: None,
        }
        .into(),
        AttemptFinished {
            outcome: AttemptOutcome::ChecksFailed,
            commit: None,
            tree: None,
            files: 1,
            violations: Vec::new(),
            left_out: Vec::new(),
            fingerprint: Some(Sha256::of(&n.to_le_bytes())),
            brief: "The check failed. What it printed:\n1..1\nnot ok 1 - it has no work\n".into(),
            turn: "end".into(),
            claim: "I have done what was asked.".into(),
            duration_s: 12.5,
            boot: None,
            conversation: None,
        }
        .into(),
        WorktreeReturned { slot: "000".into() }.into(),
        GroupStarted {}.into(),
    ];
    let mut out: Vec<Entry> = of_attempt.map(|e| Entry::attempt(gid, n, e)).into();
    out.push(Entry::group(
        gid,
        GroupInvalidated { reason: Invalid::Again, brief: String::new(), judge_first: false },
    ));
    out
}
