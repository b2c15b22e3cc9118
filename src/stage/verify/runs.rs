//! Runs of checks against the spec, their evidence and each other: what was judged is what the spec
//! asks for, and what landed had every check of its group behind it.

use std::collections::{BTreeMap, BTreeSet};

use super::files::Case;
use crate::base::text::count;
use crate::base::{Json, Result};
use crate::check::Outcome;
use crate::check::record::{Run, TAIL, criterion, excerpt};
use crate::git::Oid;
use crate::session::SYNC;
use crate::session::event::{CheckPhase, Event, GroupChecked};
use crate::session::journal::Record;
use crate::spec::{Check, Spec};

/// What the runs of a journal come to.
#[derive(Debug, Default)]
pub struct Runs {
    /// Runs with a record of their own.
    pub recorded: usize,
    /// Runs that have none: an older Otto wrote them.
    pub without: usize,
    /// Runs whose outcome or record a newer Otto wrote in words that this one does not know.
    pub unread: usize,
    pub problems: Vec<String>,
}

impl Runs {
    /// What could not be held against anything.
    pub fn limits(&self) -> Vec<String> {
        let of = |n: usize, why: &str| (n > 0).then(|| format!("{} {why}", count(n, "run")));
        let without = of(self.without, "without a record: an older Otto wrote the event");
        let unread = of(self.unread, "whose event this Otto cannot read: a newer one wrote it");
        without.into_iter().chain(unread).collect()
    }
}

/// Each run by itself.
pub fn runs(case: &Case<'_>) -> Result<Runs> {
    let mut out = Runs::default();
    // What ran, by check and outcome: only that may be taken again.
    let mut ran: BTreeSet<(String, String)> = BTreeSet::new();
    for record in case.records {
        let (check, outcome, run, asked) = match &record.event {
            Event::GroupChecked(e) => {
                let key = (e.check.clone(), text(&e.outcome));
                if e.cached && !ran.contains(&key) {
                    out.problems.push(format!(
                        "event {}: the result of '{}' was taken from a run that the journal does not hold",
                        record.seq, e.check
                    ));
                }
                if e.cached {
                    continue;
                }
                ran.insert(key);
                (&e.check, &e.outcome, &e.run, None)
            }
            Event::AuditChecked(e) => (&e.check, &e.outcome, &e.run, e.asked.as_ref()),
            _ => continue,
        };
        let Ok(outcome) = outcome.read::<Outcome>() else {
            out.unread += 1;
            continue;
        };
        let Some(told) = run else {
            out.without += 1;
            continue;
        };
        let Ok(run) = told.read::<Run>() else {
            out.unread += 1;
            continue;
        };
        out.recorded += 1;
        let asked = asked.and_then(|a| a.check.read::<Check>().ok());
        if !is_asked_for(case, check, &run, asked.as_ref()) {
            out.problems.push(format!(
                "event {}: '{check}' was judged by something else than the spec says",
                record.seq
            ));
        }
        out.problems.extend(output(case, record, &outcome, &run)?);
    }
    Ok(out)
}

fn text(outcome: &Json) -> String {
    serde_json::to_string(outcome).unwrap_or_default()
}

/// The criterion is that of the check in some version of the spec (a run that began before an
/// amendment is recorded after it), or of the probe that a judge asked for. Scenarios, and what
/// reproduces a finding, are kept apart from the spec.
fn is_asked_for(case: &Case<'_>, id: &str, run: &Run, asked: Option<&Check>) -> bool {
    if let Some(check) = asked {
        return criterion(check) == run.criterion;
    }
    let mut known = case.specs.values().flat_map(|s| s.checks()).filter(|(_, c)| c.id == id);
    let mut any = false;
    known.any(|(_, check)| {
        any = true;
        criterion(check) == run.criterion
    }) || !any
}

/// What the record quotes is what was captured.
fn output(
    case: &Case<'_>,
    record: &Record,
    outcome: &Outcome,
    run: &Run,
) -> Result<Option<String>> {
    let Some(piece) = outcome.evidence().first() else { return Ok(None) };
    // That it is missing or altered is said where evidence is looked at.
    let Some(bytes) = case.files.get(&format!("evidence/{}", piece.0))? else { return Ok(None) };
    let tail = &bytes[bytes.len() - bytes.len().min(TAIL as usize)..];
    Ok((excerpt(tail) != run.excerpt).then(|| {
        format!("event {}: it quotes what is not in its evidence {}", record.seq, piece.0.short())
    }))
}

/// What was seen of one group's candidates, up to some event.
pub struct Seen<'a>(Vec<(u64, &'a GroupChecked)>);

impl<'a> Seen<'a> {
    /// Of `records`, those of this group.
    pub fn of(records: &'a [Record], gid: &str) -> Self {
        let checked = records.iter().filter_map(|r| match &r.event {
            Event::GroupChecked(e)
                if e.phase == CheckPhase::Candidate && r.group.as_deref() == Some(gid) =>
            {
                Some((r.seq, e))
            }
            _ => None,
        });
        Self(checked.collect())
    }

    /// What was seen of this tree: by check the newest outcome, and the event.
    pub fn on(&self, tree: Oid) -> BTreeMap<&'a str, (u64, Outcome)> {
        let tree = tree.to_string();
        let mut out = BTreeMap::new();
        for (seq, event) in &self.0 {
            if let Ok(outcome) = event.outcome.read::<Outcome>()
                && outcome.tree() == tree
            {
                out.insert(event.check.as_str(), (*seq, outcome));
            }
        }
        out
    }
}

/// Why what landed was not green: a check of its group that was never seen on its tree, or was red.
pub fn untested(
    spec: Option<&Spec>,
    gid: &str,
    seen: &BTreeMap<&str, (u64, Outcome)>,
) -> Vec<String> {
    let mut out = Vec::new();
    for (check, (seq, outcome)) in seen {
        if !outcome.is_pass() {
            out.push(format!("'{check}' was {} (event {seq})", outcome.status().word()));
        }
    }
    // What comes from the target branch is checked by all groups that are in.
    if gid.starts_with(SYNC) {
        return out;
    }
    let wanted = spec.and_then(|s| s.group(gid)).map(|g| g.checks.as_slice()).unwrap_or_default();
    let never = wanted.iter().filter(|c| !seen.contains_key(c.id.as_str()));
    out.extend(never.map(|c| format!("'{}' never ran on its tree", c.id)));
    out
}
