//! From a red outcome to how it failed and whose it is: reads what the audit captured and the tree
//! that it ran on.

use std::collections::BTreeSet;

use serde_json::Value;

use super::paths::{Named, named_in};
use super::route::{Clues, route};
use crate::base::Result;
use crate::check::{Outcome, fingerprint};
use crate::git::Oid;
use crate::session::event::Failure;
use crate::spec::{Check, CheckBody};
use crate::stage::Context;

/// So much of one captured output is read for paths.
const READ: usize = 512 << 10;

/// The group that a failing check goes to, and how it failed. `own` is the group whose check it
/// is.
pub fn failure_of(
    ctx: &Context<'_>,
    check: &Check,
    own: Option<&str>,
    outcome: &Outcome,
) -> Result<(Option<String>, Failure)> {
    let text = said(ctx, outcome);
    let commit: Option<Oid> = outcome.commit().parse().ok();
    let named = match commit {
        Some(commit) => {
            let files: BTreeSet<String> = ctx.ws.repo.files_of(commit)?.into_iter().collect();
            named_in(&text, &files)
        }
        None => Named::default(),
    };
    let argv = argv_of(check);
    let found = ctx.session.with_state(|s| {
        // What is being repaired is in the product as well.
        let is_in =
            |gid: &str| s.phase(gid).is_in() || s.group(gid).is_some_and(|g| g.landed.is_some());
        let clues = Clues { named: &named, argv: &argv, own, features: &check.features };
        route(&ctx.spec, &ctx.ownership, &is_in, clues)
    })?;
    let (group, routed) = found.map_or((None, String::new()), |r| (Some(r.group), r.why));
    let paths = if named.traced.is_empty() { named.mentioned } else { named.traced };
    Ok((group, Failure { fingerprint: fingerprint(outcome, &text, &[]), paths, routed }))
}

/// What a check printed, or what a probe found wrong: requests and replies hold times and ports.
fn said(ctx: &Context<'_>, outcome: &Outcome) -> String {
    let store = ctx.evidence();
    let Some(bytes) = outcome.evidence().first().and_then(|e| store.read(e).ok()) else {
        return String::new();
    };
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(READ)]).into_owned();
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(record) if record.get("evidence").is_some() => {
            let mut wrong = vec![outcome.detail().to_owned()];
            wrongs(&record, &mut wrong);
            wrong.join("\n")
        }
        Ok(_) | Err(_) => text,
    }
}

/// Every text below a key `wrong`.
fn wrongs(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                match (key.as_str(), below) {
                    ("wrong", Value::String(text)) => out.push(text.clone()),
                    ("wrong", Value::Array(all)) => {
                        out.extend(all.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    _ => wrongs(below, out),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|below| wrongs(below, out)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn argv_of(check: &Check) -> Vec<String> {
    match check.body() {
        Ok(CheckBody::RepoTest(t)) => t.argv,
        Ok(CheckBody::CliProbe(p)) => p.argv,
        Ok(CheckBody::Pytest(t)) => t.select,
        Ok(CheckBody::StateInvariant(i)) => i.files.into_values().collect(),
        Ok(CheckBody::BrowserJourney(j)) => j.argv,
        Ok(CheckBody::TypeCheck(t)) => t.argv,
        Ok(CheckBody::Metric(m)) => m.argv,
        Ok(CheckBody::ImportCheck(i)) => i.path.into_iter().collect(),
        Ok(CheckBody::ApiProbe(_) | CheckBody::External { .. }) | Err(_) => Vec::new(),
    }
}
