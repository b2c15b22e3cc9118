//! Two proofs of one product, side by side.

use std::fmt::Write as _;

use crate::base::{Error, Result, SessionId};
use crate::session::{Session, Workspace};
use crate::stage::render::packet::CheckOutcome;
use crate::stage::render::{Change, earlier_of, packet_of};

/// What changed from the first session to the second.
pub fn diff(ws: &Workspace, then: &Session, now: &Session) -> Result<Change> {
    Ok(Change::between(&packet_of(ws, then)?, &packet_of(ws, now)?))
}

/// The session before this one that made the same product.
pub fn earlier(ws: &Workspace, session: &Session) -> Result<SessionId> {
    earlier_of(ws, session)?.map(|s| s.id).ok_or_else(|| {
        Error::input(format!("there is no earlier proof of the product of {}", session.id))
            .hint("name two sessions; otto proof list has them")
    })
}

/// A change for the terminal.
pub fn told(change: &Change) -> String {
    let mut out = String::new();
    let mut line = |text: String| writeln!(out, "{text}").expect("a string takes every write");
    for (name, side) in [("then", &change.then), ("now ", &change.now)] {
        let tip = side.tip.as_deref().map_or("nothing landed", |t| &t[..t.len().min(10)]);
        line(format!(
            "{name}  {}  {}, {}/{} features passed, {tip}",
            side.session,
            side.verdict.word(),
            side.passed,
            side.features
        ));
    }
    if change.is_none() {
        line("nothing changed".to_owned());
        return out;
    }
    for f in &change.features {
        let word = |v: Option<crate::stage::render::packet::FeatureVerdict>| {
            v.map_or("absent", |v| v.word())
        };
        let (then, now) = (word(f.then), word(f.now));
        line(format!("feature  {}: {} ({then} → {now})", f.id, f.moved.words()));
    }
    for c in &change.checks {
        let (then, now) = (outcome(c.then), outcome(c.now));
        line(format!("check    {}: {} ({then} → {now})", c.id, c.moved.words()));
    }
    for text in &change.findings_new {
        line(format!("finding  new: {}", first(text)));
    }
    for text in &change.findings_gone {
        line(format!("finding  gone: {}", first(text)));
    }
    for c in &change.spec {
        line(format!("spec     {}, {}: {}", c.moved.words(), c.what, first(&c.text)));
    }
    for c in &change.commits {
        line(format!("commit   {} {}", &c.id[..c.id.len().min(10)], c.subject));
    }
    out
}

fn first(text: &str) -> String {
    crate::base::text::one_line(text, 120)
}

fn outcome(outcome: Option<CheckOutcome>) -> &'static str {
    match outcome {
        None => "absent",
        Some(CheckOutcome::Passed) => "passed",
        Some(CheckOutcome::Failed) => "failed",
        Some(CheckOutcome::NotRun) => "not run",
    }
}
