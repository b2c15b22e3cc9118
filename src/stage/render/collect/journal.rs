//! The journal as it is on disk, and whether it can be trusted.

use super::super::packet::Chain;
use crate::base::{Error, Remedy, Result, Sha256};
use crate::disk;
use crate::session::journal::{Anchor, Position, Reader, Record};
use crate::session::layout::refs;
use crate::session::{Event, Session, State, Workspace};

pub(super) struct Told {
    /// Up to the damage, if there is any.
    pub records: Vec<Record>,
    pub state: State,
    pub chain: Chain,
    pub anchored: bool,
}

pub(super) fn read(ws: &Workspace, session: &Session) -> Result<Told> {
    // The anchor is read first: what it names was in the journal before it was written.
    let anchor = anchor(ws, session)?;
    let mut problems = Vec::new();
    let (records, damage) = records(session)?;
    problems.extend(damage);
    problems.extend(unlike_its_start(session, &records)?);
    let mut anchored = false;
    match anchor {
        None => {}
        Some(Err(why)) => problems.push(why),
        Some(Ok(anchor)) => match records.iter().find(|r| r.seq == anchor.seq) {
            _ if anchor.session != session.id.as_str() => {
                problems.push(format!("the anchor is of the session {}", anchor.session));
            }
            Some(record) if record.hash == anchor.hash => anchored = true,
            Some(record) => problems.push(format!(
                "record {} has the hash {}, and the anchor in git says {}",
                anchor.seq,
                record.hash.short(),
                anchor.hash.short()
            )),
            // Behind the damage nothing can be compared.
            None if !problems.is_empty() => {}
            None => problems.push(format!(
                "it ends at record {}, and the anchor in git names record {}",
                records.len(),
                anchor.seq
            )),
        },
    }
    let mut state = State::default();
    for record in &records {
        state.apply(record);
    }
    let chain = if problems.is_empty() {
        Chain::Intact
    } else {
        Chain::Broken { what: problems.join("; ") }
    };
    Ok(Told { records, state, chain, anchored })
}

/// Whole records, and what is wrong with the one after them.
fn records(session: &Session) -> Result<(Vec<Record>, Option<String>)> {
    let path = session.layout.journal();
    if !path.exists() {
        return Ok((Vec::new(), Some("there is no journal".to_owned())));
    }
    let mut out = Vec::new();
    for record in Reader::open(&path, Position::START)? {
        match record {
            Ok(record) => out.push(record),
            Err(e) if e.remedy == Remedy::Input => return Ok((out, Some(shown(&e, session)))),
            Err(e) => return Err(e),
        }
    }
    if out.is_empty() {
        return Ok((out, Some("the journal is empty".to_owned())));
    }
    Ok((out, None))
}

/// Without the folder of this machine.
fn shown(error: &Error, session: &Session) -> String {
    error.to_string().replace(&format!("{}/", session.layout.dir.display()), "")
}

/// The first record binds the files that a session starts with.
fn unlike_its_start(session: &Session, records: &[Record]) -> Result<Vec<String>> {
    let Some(Event::SessionCreated(start)) = records.first().map(|r| &r.event) else {
        return Ok(Vec::new());
    };
    let mut out = Vec::new();
    let files = [
        ("session.json", session.layout.record(), start.record_sha256),
        ("intent.txt", session.layout.intent(), start.intent_sha256),
    ];
    for (name, path, hash) in files {
        let same = disk::read_if_there(&path)?.is_some_and(|bytes| Sha256::of(&bytes) == hash);
        if !same {
            out.push(format!("{name} is not the file that the session started with"));
        }
    }
    Ok(out)
}

/// `None`: there is no anchor. `Some(Err)`: there is something that is not one.
fn anchor(ws: &Workspace, session: &Session) -> Result<Option<Result<Anchor, String>>> {
    let name = refs::head(&session.id);
    let Some(id) = ws.repo.read_ref(&name)? else { return Ok(None) };
    let bad = |why: String| format!("the anchor {name} cannot be read: {why}");
    let bytes = match ws.repo.blob(id) {
        Ok(bytes) => bytes,
        Err(e) => return Ok(Some(Err(bad(e.to_string())))),
    };
    Ok(Some(serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))))
}
