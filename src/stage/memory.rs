//! What earlier runs of this project tested and found, by commit: `otto_logs/memory.jsonl`, with
//! `memory: true`. Later audits and pilots are told of it, as far as it is about commits that are
//! part of what they look at. It is never evidence and decides nothing: a hint where to look.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::text::one_line;
use crate::base::{Error, Result, Secrets};
use crate::check::Outcome;
use crate::disk;
use crate::disk::AppendLog;
use crate::disk::lock::{self, Memory};
use crate::git::Oid;
use crate::session::event::{FindingKind, Severity};
use crate::session::{Session, State, Workspace};
use crate::stage::Context;
use crate::stage::audit::ProductVerdict;

const VERSION: u32 = 1;
/// Entries that are kept; the oldest go first.
const ENTRIES: usize = 200;
/// Bytes that are kept.
const BYTES: usize = 256 << 10;
/// Checks and findings of one entry.
const ITEMS: usize = 100;
/// Entries that one look is told of, the newest first.
const TOLD: usize = 10;

/// One audit of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    v: u32,
    at: String,
    commit: Oid,
    session: String,
    /// The audit's round in its session.
    round: u32,
    verdict: String,
    /// Outcome by check.
    checks: BTreeMap<String, String>,
    /// Verdict by feature.
    features: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Found>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    kind: FindingKind,
    severity: Severity,
    text: String,
}

/// Keeps what the newest full audit of the session came to, once.
pub fn note(ws: &Workspace, session: &Session, verdict: &ProductVerdict) -> Result<()> {
    if !session.config.memory {
        return Ok(());
    }
    let secrets = Secrets::from_env(&session.config.secrets);
    let Some(entry) =
        session.with_state(|s| entry(s, session.id.as_str(), verdict, ws.clock.now(), &secrets))?
    else {
        return Ok(());
    };
    let _held = lock::hold::<Memory>(&ws.layout.memory_lock())?;
    let path = ws.layout.memory();
    let mut all = read(ws)?;
    let same = |e: &Entry| e.session == entry.session && e.round == entry.round;
    if all.iter().any(|(_, e)| same(e)) {
        return Ok(());
    }
    let line = line_of(&entry)?;
    let whole: usize = all.iter().map(|(line, _)| line.len()).sum();
    if all.len() < ENTRIES && whole + line.len() <= BYTES {
        let log = AppendLog::open(&path)?;
        let mut log = log.lock()?;
        log.append(line.as_bytes())?;
        return log.sync();
    }
    all.push((line, entry));
    let kept = newest(&all);
    disk::replace(&path, kept.concat().as_bytes())
}

/// What fits of the lines, without the oldest.
fn newest(all: &[(String, Entry)]) -> Vec<&str> {
    let mut bytes = 0;
    let mut kept: Vec<&str> = all
        .iter()
        .rev()
        .take(ENTRIES)
        .map(|(line, _)| line.as_str())
        .take_while(|line| {
            bytes += line.len();
            bytes <= BYTES
        })
        .collect();
    kept.reverse();
    kept
}

/// What earlier runs found in commits that are part of `tip`, one line each, the newest first.
/// Nothing without `memory: true`.
pub fn digest(ctx: &Context<'_>, tip: Oid) -> Result<Vec<String>> {
    if !ctx.config().memory {
        return Ok(Vec::new());
    }
    let mut told = Vec::new();
    for (_, entry) in read(ctx.ws)?.iter().rev() {
        // One whose commit is gone is about something else.
        let is_part =
            ctx.ws.repo.has_object(entry.commit) && ctx.ws.repo.is_ancestor(entry.commit, tip)?;
        if is_part && entry.session != ctx.sid() {
            told.push(line_for_people(entry));
        }
        if told.len() == TOLD {
            break;
        }
    }
    Ok(told)
}

fn entry(
    state: &State,
    session: &str,
    verdict: &ProductVerdict,
    at: Timestamp,
    secrets: &Secrets,
) -> Option<Entry> {
    let audit = state.last_full_audit()?;
    let word = |check: &crate::session::state::AuditCheck| {
        let outcome: Outcome = check.outcome.read().ok()?;
        Some((check.check.clone(), outcome.status().word().to_owned()))
    };
    let found = |f: &crate::session::event::Finding| Found {
        kind: f.kind,
        severity: f.severity,
        text: secrets.hide(&one_line(&f.text, 300)),
    };
    Some(Entry {
        v: VERSION,
        at: at.to_string(),
        commit: audit.tip,
        session: session.to_owned(),
        round: audit.round,
        verdict: verdict.word.word().to_owned(),
        checks: audit.checks.iter().filter_map(word).take(ITEMS).collect(),
        features: verdict
            .features
            .iter()
            .take(ITEMS)
            .map(|f| (f.id.clone(), f.word.to_string()))
            .collect(),
        findings: audit.findings.iter().take(ITEMS).map(found).collect(),
    })
}

fn line_for_people(entry: &Entry) -> String {
    let red = entry.checks.iter().filter(|(_, word)| *word != "passed");
    let red: Vec<String> = red.map(|(id, word)| format!("{id} {word}")).collect();
    let found = entry.findings.iter();
    let found: Vec<String> =
        found.map(|f| format!("{} ({}): {}", f.kind.word(), f.severity, f.text)).collect();
    let list = |all: Vec<String>| match all.is_empty() {
        true => "nothing".to_owned(),
        false => one_line(&all.join("; "), 1000),
    };
    format!(
        "{} at {}: {}; {} checks, not green: {}; found: {}",
        entry.at.get(..10).unwrap_or_default(),
        entry.commit.short(),
        entry.verdict,
        entry.checks.len(),
        list(red),
        list(found)
    )
}

fn line_of(entry: &Entry) -> Result<String> {
    let text = serde_json::to_string(entry);
    Ok(text.map_err(|e| Error::bug("a memory cannot be written").because(e))? + "\n")
}

/// Every entry with its line. A torn last line is none; anything else that cannot be read is said
/// (65): nothing depends on the file, but somebody should know.
fn read(ws: &Workspace) -> Result<Vec<(String, Entry)>> {
    let path = ws.layout.memory();
    let mut all = Vec::new();
    for line in disk::Lines::open(&path)? {
        let line = line?;
        let entry = serde_json::from_slice::<Entry>(&line.bytes).ok().filter(|e| e.v == VERSION);
        let Some(entry) = entry else {
            return Err(Error::input(format!(
                "'{}' cannot be read at line {}",
                path.display(),
                line.number
            ))
            .hint("nothing depends on it: move it away, and later audits are told nothing of it"));
        };
        all.push((String::from_utf8_lossy(&line.bytes).into_owned() + "\n", entry));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u32) -> Entry {
        Entry {
            v: VERSION,
            at: Timestamp::UNIX_EPOCH.to_string(),
            commit: Oid::NULL,
            session: format!("s{n}"),
            round: 1,
            verdict: "partial".into(),
            checks: BTreeMap::from([("a".into(), "passed".into()), ("b".into(), "failed".into())]),
            features: BTreeMap::new(),
            findings: vec![Found {
                kind: FindingKind::ProductFailure,
                severity: Severity::Critical,
                text: "x".repeat(300),
            }],
        }
    }

    #[test]
    fn the_oldest_are_dropped_first() {
        let all: Vec<(String, Entry)> = (0..ENTRIES as u32 + 50)
            .map(|n| (line_of(&entry(n)).expect("JSON"), entry(n)))
            .collect();
        let kept = newest(&all);
        assert_eq!(kept.len(), ENTRIES);
        assert!(kept[0].contains("\"s50\"") && kept[ENTRIES - 1].contains("\"s249\""));
        let long: Vec<(String, Entry)> =
            (0..10).map(|n| ("y".repeat(BYTES / 4 - 1) + "\n", entry(n))).collect();
        assert_eq!(newest(&long).len(), 4);
    }

    #[test]
    fn a_line_says_what_was_red_and_found() {
        let line = line_for_people(&entry(1));
        assert!(
            line.contains("2 checks, not green: b failed; found: product failure (critical)"),
            "{line}"
        );
        let read: Entry = serde_json::from_str(&line_of(&entry(1)).expect("JSON")).expect("read");
        assert_eq!(read, entry(1));
    }
}
