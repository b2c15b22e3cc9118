//! Runs again what the last full audit ran, and compares.

use serde::Serialize;

use super::Context;
use super::audit::{Scenario, load_scenarios};
use crate::base::{Error, Result};
use crate::check::batch::Caching;
use crate::check::{Outcome, Status};
use crate::session::event::Certifier;
use crate::spec::{Check, CheckBody};

/// One of the things that were recorded, and what it comes to now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    Same {
        check: String,
        outcome: String,
    },
    Differs {
        check: String,
        then: String,
        now: String,
    },
    /// It was not run again, and why.
    NotAgain {
        what: String,
        why: String,
    },
}

/// In clean worktrees at the commit that was audited; nothing is remembered from another run.
pub fn rerun(ctx: &Context<'_>) -> Result<Vec<Compared>> {
    let state = ctx.state()?;
    let Some(audit) = state.last_full_audit() else {
        return Err(Error::no(
            "the product was not audited as a whole, so there is nothing to compare",
        )
        .hint("otto audit --session S does it"));
    };
    let scenarios: Vec<Check> = load_scenarios(ctx)?.iter().map(Scenario::as_check).collect();
    let known = ctx.spec.checks().map(|(_, c)| c.clone()).chain(scenarios);
    let known: Vec<Check> = known.collect();
    let mut out = Vec::new();
    let mut again: Vec<(&Check, Outcome)> = Vec::new();
    for seen in &audit.checks {
        let then: Outcome = seen.outcome.read().map_err(|e| {
            Error::input(format!("the outcome of '{}' cannot be read", seen.check)).because(e)
        })?;
        match known.iter().find(|c| c.id == seen.check) {
            Some(check) => again.push((check, then)),
            None => out.push(Compared::NotAgain {
                what: seen.check.clone(),
                why: "its scenario, or its check, is not there any more".into(),
            }),
        }
    }
    let checks: Vec<&Check> = again.iter().map(|(check, _)| *check).collect();
    let ran = ctx.bench()?.run(
        &checks,
        audit.tip,
        ctx.base(),
        Caching::Never,
        || ctx.left(),
        &mut |_| Ok(()),
    )?;
    for ((check, then), now) in again.iter().zip(ran) {
        out.push(compared(check, then, &now.outcome));
    }
    if let Some(Certifier::Asked(answered)) = &audit.finished {
        let why = "an agent's word is not the same twice".to_owned();
        out.push(Compared::NotAgain {
            what: format!("the certifier ({})", answered.provider),
            why,
        });
    }
    Ok(out)
}

fn compared(check: &Check, then: &Outcome, now: &Outcome) -> Compared {
    let counts = |o: &Outcome| match (check.body(), o.tests()) {
        // A number differs from run to run; whether it meets its goal does not.
        (Ok(CheckBody::Metric(_)), _) | (_, None) => String::new(),
        (_, Some(tests)) => format!(" ({tests})"),
    };
    let told = |o: &Outcome| format!("{}{}", o.status().word(), counts(o));
    let (check, then_told, now_told) = (check.id.clone(), told(then), told(now));
    if now.status() == Status::NotRun && then.status() != Status::NotRun {
        let why = format!("it cannot be run here: {} ({})", now.detail(), now.reason());
        return Compared::NotAgain { what: check, why };
    }
    match then_told == now_told {
        true => Compared::Same { check, outcome: now_told },
        false => Compared::Differs { check, then: then_told, now: now_told },
    }
}
