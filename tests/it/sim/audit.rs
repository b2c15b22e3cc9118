//! Audit and repair: what is red comes from the world, what follows from the product's own ledger.

use otto::git::Oid;
use otto::session::event::*;
use otto::session::journal::Entry;
use otto::session::state::Phase;
use otto::stage::build::Again;
use otto::stage::repair::ledger::{LANDED, STILL_THERE, Todo, Told, plan, stale};
use serde_json::{Value, json};

use super::build::{Stop, build_group};
use super::exec::tick;
use super::merge::{Queue, Repair};
use super::world::P;

/// An outcome as the journal has it.
pub fn outcome(green: bool, tip: Oid) -> Value {
    let (word, reason) = if green { ("passed", "ok") } else { ("failed", "tests_failed") };
    json!({"outcome": word, "reason": reason, "detail": "", "tests": null, "exit": 0,
           "signal": null, "duration_s": 0.1, "commit": tip, "tree": tip, "evidence": []})
}

/// `otto audit`; `only` narrows it to what was repaired. True when nothing is red.
pub async fn audit(p: &P, only: Option<&str>) -> bool {
    tick().await;
    let (round, tip, spec) = {
        let w = p.w();
        let round = w.state.audits.last().map_or(0, |a| a.round) + 1;
        (round, w.tip(), w.state.approved())
    };
    let scope = if only.is_some() { AuditScope::Narrowed } else { AuditScope::Full };
    p.append(Entry::new(AuditStarted {
        round,
        tip,
        scope,
        mode: Some(AuditMode::Fast),
        spec,
        left_out: Vec::new(),
    }));
    let mut all = true;
    for gid in p.groups().into_iter().filter(|g| only.is_none_or(|o| o == g)) {
        tick().await;
        let green = {
            let mut w = p.w();
            let tree = w.git.tree_of(tip);
            w.check(tree, &gid)
        };
        all &= green;
        let check = format!("{gid}-tests");
        let seen = AuditChecked {
            round,
            check: check.clone(),
            scenario: None,
            asked: None,
            outcome: outcome(green, tip).into(),
            run: None,
        };
        p.append(Entry::new(seen));
        if !green {
            tick().await;
            let finding = Finding {
                id: check.clone(),
                kind: FindingKind::ProductFailure,
                severity: Severity::Critical,
                text: "red".into(),
                features: vec![format!("f-{gid}")],
                group: Some(gid),
                check: Some(check),
                reproduction: String::new(),
                evidence: Vec::new(),
                beyond: None,
                failure: None,
            };
            p.append(Entry::new(AuditFinding { round, finding }));
        }
    }
    tick().await;
    let certifier = if only.is_some() { Certifier::NotAsked } else { Certifier::None };
    p.append(Entry::new(AuditFinished { round, tip, certifier, adversary: None }));
    all
}

/// `otto repair`.
pub async fn repair(p: P) -> i32 {
    let todos = plan(&p.w().state, &Told::new());
    let old = stale(&p.w().state, &todos);
    for (key, gid, outcome) in old {
        tick().await;
        p.append(Entry::group(&gid, RepairFinished { key, outcome: outcome.into() }));
    }
    let mut landed = 0;
    for todo in &todos {
        let outcome = match one(&p, todo).await {
            Err(Stop::No) => "not repaired",
            Err(stop) => return stop.exit(),
            Ok(outcome) => outcome,
        };
        landed += usize::from(outcome == LANDED);
        tick().await;
        let key = todo.key.clone();
        p.append(Entry::group(&todo.group, RepairFinished { key, outcome: outcome.into() }));
    }
    i32::from(landed == 0 || landed < todos.len())
}

async fn one(p: &P, todo: &Todo) -> Result<&'static str, Stop> {
    let (key, gid) = (todo.key.as_str(), todo.group.as_str());
    tick().await;
    let open = p.w().state.repairs.iter().any(|r| r.key == key && r.outcome.is_none());
    if !open {
        let findings = vec![format!("{gid}-tests")];
        let round = p.w().state.audits.last().map_or(0, |a| a.round);
        p.append(Entry::group(
            gid,
            RepairStarted {
                key: key.into(),
                findings,
                round,
                failures: todo.failures(),
                strategy: Some(todo.strategy),
            },
        ));
    }
    build_group(p, gid, Again::No).await?;
    if matches!(p.w().state.phase(gid), Phase::Failed { .. }) {
        return Ok("not repaired");
    }
    {
        let mut queue = Queue::take(p).await?;
        queue.drain(p, Repair::Report).await?;
    }
    if p.w().state.phase(gid) != Phase::Landed {
        return Ok("did not land");
    }
    Ok(if audit(p, Some(gid)).await { LANDED } else { STILL_THERE })
}
