//! Verify: does everything that is written down still hold together? Reads only.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::base::{Result, Sha256};
use crate::check::EvidenceRef;
use crate::check::evidence::EvidenceStore;
use crate::disk;
use crate::git::Oid;
use crate::session::event::{Event, MergeLanded};
use crate::session::journal::{Position, Reader, Record};
use crate::session::layout::refs;
use crate::session::state::SpecState;
use crate::session::{Session, State, Workspace};
use crate::spec::verify_chain;
use crate::stage::census::{Census, Counts, Place, census, places};

/// What was looked at, and everything that is wrong.
#[derive(Debug, Default)]
pub struct Verified {
    /// What holds, a line each.
    pub holds: Vec<String>,
    pub problems: Vec<String>,
    /// Where the work of every attempt is.
    pub patches: Counts,
}

impl Verified {
    fn judge(&mut self, what: &str, problems: Vec<String>) {
        if problems.is_empty() {
            self.holds.push(what.to_owned());
        }
        self.problems.extend(problems);
    }
}

/// Checks chain, session record, spec, landings, anchor and evidence of a session.
pub fn verify(ws: &Workspace, session: &Session) -> Result<Verified> {
    let mut verified = Verified::default();
    let (records, damage) = read(session)?;
    let n = records.len();
    verified.judge(&format!("chain of {n} events"), damage.into_iter().collect());
    let mut state = State::default();
    for record in &records {
        state.apply(record);
    }
    verified.judge("session record and intent", session_record(session, &records)?);
    verified.judge("spec is the approved one", spec(session, &state));
    let landings = landings(ws, session, &records)?;
    verified.judge(&format!("{} landed trees are the tested ones", state.landings.len()), landings);
    verified.judge("integration branch is where the journal says", tip(ws, session, &state)?);
    let anchored = anchor(ws, session, &records)?;
    if !state.landings.is_empty() || !anchored.is_empty() {
        verified.judge("chain head is anchored in git", anchored);
    }
    let (count, evidence) = evidence(session, &records);
    verified.judge(&format!("evidence: {}", crate::base::text::count(count, "piece")), evidence);
    let found = census(&state, &places(ws, session, &state)?);
    verified.patches = found.counts();
    verified.judge(&verified.patches.to_string(), missing(session, &found));
    Ok(verified)
}

/// Patches that no ref holds.
fn missing(session: &Session, found: &Census) -> Vec<String> {
    let stray = found.at(Place::Stray).map(|p| {
        format!("no branch holds {p}: otto run --resume {} keeps it in refs/otto/attic", session.id)
    });
    stray.chain(found.at(Place::Lost).map(|p| format!("work is missing: {p}"))).collect()
}

pub(super) fn read(session: &Session) -> Result<(Vec<Record>, Option<String>)> {
    let mut records = Vec::new();
    for record in Reader::open(&session.layout.journal(), Position::START)? {
        match record {
            Ok(record) => records.push(record),
            Err(e) => return Ok((records, Some(e.to_string()))),
        }
    }
    Ok((records, None))
}

fn session_record(session: &Session, records: &[Record]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let Some(Record { event: Event::SessionCreated(created), .. }) = records.first() else {
        return Ok(vec!["the journal does not begin with session.created".into()]);
    };
    if Sha256::of(&disk::read(&session.layout.record())?) != created.record_sha256 {
        problems.push("session.json is not what the session was created with".into());
    }
    if let Err(e) = session.intent() {
        problems.push(e.to_string());
    }
    Ok(problems)
}

fn spec(session: &Session, state: &State) -> Vec<String> {
    let SpecState::Approved { first, .. } = &state.spec else { return Vec::new() };
    match session.spec() {
        Err(e) => vec![e.to_string()],
        Ok(spec) => match verify_chain(&spec, *first) {
            Ok(()) => Vec::new(),
            Err(e) => vec![format!("the amendment chain is broken: {e}")],
        },
    }
}

fn landings(ws: &Workspace, session: &Session, records: &[Record]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut tip = session.record.base;
    for record in records {
        match &record.event {
            Event::MergeLanded(landed) => {
                let who = record.group.as_deref().unwrap_or("?");
                if landed.old != tip {
                    problems.push(format!("landing of {who}: it is not on top of the one before"));
                }
                problems.extend(landing(ws, who, landed));
                tip = landed.new;
            }
            Event::MergeAdopted(adopted) => tip = adopted.new,
            _ => {}
        }
    }
    Ok(problems)
}

fn landing(ws: &Workspace, who: &str, landed: &MergeLanded) -> Vec<String> {
    let Ok(commit) = ws.repo.commit(landed.new) else {
        return vec![format!("landing of {who}: the commit {} cannot be read", landed.new)];
    };
    let mut problems = Vec::new();
    if commit.tree != landed.tree {
        problems.push(format!("landing of {who}: its tree {} was never tested", commit.tree));
    }
    if commit.parents.first() != Some(&landed.old) || commit.parents.get(1) != Some(&landed.head) {
        problems.push(format!("landing of {who}: its parents are not those of the candidate"));
    }
    // The candidate's own commit may have been collected; its tree is in the landing.
    if let Ok(tested) = ws.repo.commit(landed.tested_commit)
        && (tested.tree != commit.tree || tested.parents != commit.parents)
    {
        problems.push(format!("landing of {who}: it differs from what was tested"));
    }
    problems
}

fn tip(ws: &Workspace, session: &Session, state: &State) -> Result<Vec<String>> {
    let recorded = state.landings.last().map(|l| l.new);
    let found = ws.repo.read_ref(&session.integ_ref())?;
    if recorded == found {
        return Ok(Vec::new());
    }
    let shown = |o: Option<Oid>| o.map_or("nothing".to_owned(), |o| o.to_string());
    Ok(vec![format!(
        "'{}' is at {}, and the journal says {}",
        session.integ_ref(),
        shown(found),
        shown(recorded)
    )])
}

/// The anchored head must be one of the chain's own hashes: a journal that was rewritten as a
/// whole has others.
fn anchor(ws: &Workspace, session: &Session, records: &[Record]) -> Result<Vec<String>> {
    let landed = records.iter().any(|r| matches!(r.event, Event::MergeLanded(_)));
    let Some(blob) = ws.repo.read_ref(&refs::head(&session.id))? else {
        return Ok(if landed {
            vec!["there is no anchor although something landed".into()]
        } else {
            Vec::new()
        });
    };
    let note: Value = serde_json::from_slice(&ws.repo.blob(blob)?).unwrap_or_default();
    let seq = note["seq"].as_u64().unwrap_or(0);
    let hash = note["hash"].as_str().unwrap_or("");
    let matches = records.iter().any(|r| r.seq == seq && r.hash.to_string() == hash);
    Ok(if matches {
        Vec::new()
    } else {
        vec![format!("the anchored head (event {seq}) is not in the journal")]
    })
}

fn evidence(session: &Session, records: &[Record]) -> (usize, Vec<String>) {
    let mut cited: BTreeSet<String> = BTreeSet::new();
    for record in records {
        let outcome = match &record.event {
            Event::GroupChecked(e) => &e.outcome,
            Event::AuditChecked(e) => &e.outcome,
            _ => continue,
        };
        let outcome = outcome.value();
        let list = outcome["evidence"].as_array();
        cited.extend(list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    }
    let store = EvidenceStore::new(session.layout.evidence());
    let problems = cited
        .iter()
        .filter_map(|c| {
            let reference: EvidenceRef = match c.parse() {
                Ok(reference) => reference,
                Err(why) => return Some(why),
            };
            store.read(&reference).err().map(|e| e.to_string())
        })
        .collect();
    (cited.len(), problems)
}
