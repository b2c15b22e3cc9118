//! Notes beside landings (`refs/notes/otto`): the record of every check that counts for one, a line
//! each, for `git notes --ref otto show COMMIT`. Derived from the journal, written when the proof is,
//! and never pushed by Otto.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::base::Result;
use crate::check::record::{self, EvidenceRecord};
use crate::git::Oid;
use crate::session::event::{CheckPhase, Event};
use crate::session::journal::{Position, Reader, Record};
use crate::session::layout::refs;
use crate::session::{Session, Workspace};

/// The note of each landing: its candidate's checks, then what audits saw of it; in the order of the
/// journal, so that an older note is the beginning of a newer one.
pub fn notes_of(session: &Session, records: &[Record]) -> BTreeMap<Oid, String> {
    let mut out: BTreeMap<Oid, String> = BTreeMap::new();
    // What was seen of each tree before it landed, by group.
    let mut seen: BTreeMap<(&str, String), String> = BTreeMap::new();
    let mut audited = None;
    let told = record::records(records);
    let mut told = told.iter().peekable();
    for record in records {
        let told = told.next_if(|(line, _)| line.seq == record.seq).map(|(_, told)| told);
        match (&record.event, told) {
            (Event::GroupChecked(e), Some(told)) if e.phase == CheckPhase::Candidate => {
                let gid = record.group.as_deref().unwrap_or_default();
                let note = seen.entry((gid, told.tree.clone())).or_default();
                note.push_str(&line(session, e.phase.word(), told));
            }
            (Event::MergeLanded(e), _) => {
                let gid = record.group.as_deref().unwrap_or_default();
                let note = seen.remove(&(gid, e.tree.to_string()));
                out.insert(e.new, note.unwrap_or_default());
            }
            (Event::AuditStarted(e), _) => audited = Some(e.tip),
            (Event::AuditChecked(_), Some(told)) => {
                if let Some(note) = audited.and_then(|tip| out.get_mut(&tip)) {
                    note.push_str(&line(session, "audit", told));
                }
            }
            _ => {}
        }
    }
    out.retain(|_, note| !note.is_empty());
    out
}

/// One record for people: its address first, then what it says.
fn line(session: &Session, phase: &str, told: &EvidenceRecord) -> String {
    let mut text =
        format!("sha256:{} {phase} {} {}", told.hash(), told.claim.check, told.outcome.word());
    if let Some(tests) = &told.tests {
        let _infallible = write!(text, " ({tests})");
    }
    let tree = told.tree.get(..10).unwrap_or(&told.tree);
    let _infallible = writeln!(
        text,
        " tree {tree} {} {} event {} of {}",
        told.tier.word(),
        told.end,
        told.event,
        session.id
    );
    text
}

/// The whole journal; nothing where it cannot be read.
pub fn records(session: &Session) -> Result<Vec<Record>> {
    Reader::open(&session.layout.journal(), Position::START)?.collect()
}

/// Writes the notes of a session as its journal has them now.
pub fn write(ws: &Workspace, session: &Session, records: &[Record]) -> Result<()> {
    let notes = notes_of(session, records);
    let there = |commit: &Oid| ws.repo.has_object(*commit);
    let notes: BTreeMap<Oid, String> = notes.into_iter().filter(|(c, _)| there(c)).collect();
    let Some(last) = records.last().filter(|_| !notes.is_empty()) else { return Ok(()) };
    let commits: Vec<Oid> = notes.keys().copied().collect();
    let known = ws.repo.notes(refs::NOTES, &commits)?;
    if notes.iter().all(|(c, text)| known.get(c).is_some_and(|k| k == text.as_bytes())) {
        return Ok(());
    }
    let held = ws.refs_lock()?;
    ws.repo.write_notes(&held, refs::NOTES, &notes, last.at).map(drop)
}

/// What is wrong with the notes that are there: a line that the journal does not say, or that it
/// says otherwise. Notes may be behind: they are written with the proof. How many lines there are.
pub fn check(
    ws: &Workspace,
    session: &Session,
    records: &[Record],
) -> Result<(usize, Vec<String>)> {
    let wanted = notes_of(session, records);
    let landed = records.iter().filter_map(|r| match &r.event {
        Event::MergeLanded(e) => Some(e.new),
        _ => None,
    });
    let commits: Vec<Oid> = landed.collect();
    let found = ws.repo.notes(refs::NOTES, &commits)?;
    let (mut lines, mut problems) = (0, Vec::new());
    for (commit, note) in found {
        let wanted = wanted.get(&commit).map(String::as_str).unwrap_or_default();
        let mut wanted = wanted.split_inclusive('\n');
        for (at, line) in note.split_inclusive(|b| *b == b'\n').enumerate() {
            lines += 1;
            if wanted.next().map(str::as_bytes) != Some(line) {
                problems.push(format!(
                    "line {} of the note beside {commit} ({}) is not what the journal says",
                    at + 1,
                    refs::NOTES
                ));
                break;
            }
        }
    }
    Ok((lines, problems))
}
