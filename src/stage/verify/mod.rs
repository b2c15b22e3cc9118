//! Verify: does everything that is written down still hold together? Reads only.
//!
//! [`Case`] holds a session's files, in its folder or in a packet, against its journal; [`runs`] the
//! runs of checks against the spec; [`landings`] commits against what was tested.

pub mod files;
pub mod landings;
pub mod runs;

pub use files::{Case, Files, cited};

use crate::base::text::count;
use crate::base::{Error, Remedy, Result};
use crate::disk;
use crate::git::Oid;
use crate::session::event::Event;
use crate::session::journal::{Anchor, Position, Reader, Record};
use crate::session::layout::refs;
use crate::session::state::SpecState;
use crate::session::{Session, State, Workspace};
use crate::stage::audit::{ChainState, Word, verdict};
use crate::stage::census::{Census, Counts, Place, census, places};
use crate::stage::git_notes;

/// What was looked at, and everything that is wrong.
#[derive(Debug, Default)]
pub struct Verified {
    /// What holds, a line each.
    pub holds: Vec<String>,
    pub problems: Vec<String>,
    /// What it does not show.
    pub limits: Vec<String>,
    /// Where the work of every attempt is.
    pub patches: Counts,
    /// The product's word, where there is an approved spec to judge it by.
    pub verdict: Option<Word>,
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
    // Where a kill left the spec behind the journal, reading it mends that.
    if state.spec != SpecState::None {
        let _said_below = session.read_spec();
    }
    let folder = Folder(session);
    let case = Case::new(&session.record, &records, &state, &folder)?;
    verified.judge("session record and intent", case.beginning()?);
    verified.judge("spec is the approved one", case.spec()?);
    let (there, wrong) = landings::all(&case, &ws.repo, true);
    verified.judge(&format!("{there} landed trees are the tested ones"), wrong);
    verified.judge("integration branch is where the journal says", tip(ws, session, &state)?);
    let anchored = anchor(ws, session, &records)?;
    if !state.landings.is_empty() || !anchored.is_empty() {
        verified.judge("chain head is anchored in git", anchored);
    }
    let (pieces, wrong, beside) = case.evidence()?;
    verified.judge(&format!("evidence: {}", count(pieces, "piece")), wrong);
    verified.limits.extend(match beside.len() {
        0 => None,
        1 => Some("1 piece of evidence counts for nothing: no event cites it".to_owned()),
        n => Some(format!("{n} pieces of evidence count for nothing: no event cites them")),
    });
    let runs = runs::runs(&case)?;
    verified.limits.extend(runs.limits());
    verified.judge(&format!("records: {}", count(runs.recorded, "run")), runs.problems);
    let (lines, wrong) = git_notes::check(ws, session, &records)?;
    verified.judge(&format!("notes: {} in {}", count(lines, "line"), refs::NOTES), wrong);
    verified.limits.push(
        "derived files were not looked at (page, packet, summary, usage, manifest, spec.md: otto \
         proof render makes them again), nor what agents were told and said, which is no evidence"
            .to_owned(),
    );
    let found = census(&state, &places(ws, session, &state)?);
    verified.patches = found.counts();
    verified.judge(&verified.patches.to_string(), missing(session, &found));
    if let (SpecState::Approved { .. }, Ok(spec)) = (&state.spec, session.spec()) {
        verified.verdict = Some(verdict(&spec, &state, &ChainState::Intact).word);
    }
    Ok(verified)
}

/// A commit that was landed where the session's records are.
fn elsewhere(commit: Oid, sid: &str, why: Error) -> Error {
    if !matches!(why.remedy, Remedy::Usage | Remedy::No) {
        return why;
    }
    let short = commit.short();
    Error::no(format!("commit {short} was landed by session {sid}, whose records are not here"))
        .hint(format!(
            "ask for its packet (otto proof export there): otto verify {short} --packet FILE"
        ))
}

/// Patches that no ref holds.
fn missing(session: &Session, found: &Census) -> Vec<String> {
    let stray = found.at(Place::Stray).map(|p| {
        format!("no branch holds {p}: otto run --resume {} keeps it in refs/otto/attic", session.id)
    });
    stray.chain(found.at(Place::Lost).map(|p| format!("work is missing: {p}"))).collect()
}

fn read(session: &Session) -> Result<(Vec<Record>, Option<String>)> {
    let mut records = Vec::new();
    for record in Reader::open(&session.layout.journal(), Position::START)? {
        match record {
            Ok(record) => records.push(record),
            Err(e) => return Ok((records, Some(e.to_string()))),
        }
    }
    Ok((records, None))
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
    let name = refs::head(&session.id);
    let landed = records.iter().any(|r| matches!(r.event, Event::MergeLanded(_)));
    let Some(blob) = ws.repo.read_ref(&name)? else {
        return Ok(if landed {
            vec![format!("there is no anchor '{name}' although something landed")]
        } else {
            Vec::new()
        });
    };
    let bytes = ws.repo.blob(blob).unwrap_or_default();
    let Ok(anchor) = serde_json::from_slice::<Anchor>(&bytes) else {
        return Ok(vec![format!("the anchor '{name}' cannot be read")]);
    };
    if anchor.session != session.id.as_str() {
        return Ok(vec![format!("the anchor '{name}' is of the session {}", anchor.session)]);
    }
    let matches = records.iter().any(|r| r.seq == anchor.seq && r.hash == anchor.hash);
    Ok(if matches {
        Vec::new()
    } else {
        vec![format!("the anchored head (event {}) is not in the journal", anchor.seq)]
    })
}

/// The session's own folder.
struct Folder<'a>(&'a Session);

impl Files for Folder<'_> {
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        disk::read_if_there(&self.0.layout.dir.join(name))
    }

    fn names(&self, folder: &str) -> Result<Vec<String>> {
        let dir = self.0.layout.dir.join(folder);
        if !dir.is_dir() {
            return Ok(Vec::new());
        }
        let files = disk::files_below(&dir)?.into_iter();
        Ok(files.map(|f| f.to_string_lossy().into_owned()).collect())
    }
}

/// So many commits are looked back for the one that landed.
const LOOK_BACK: usize = 10_000;

/// The session that a person names: by itself, or by a commit that it landed. A commit that holds
/// one further back is answered with that one's session.
pub fn session_of(ws: &Workspace, subject: &str) -> Result<Session> {
    let not_found = match Session::open(ws, subject) {
        Ok(session) => return Ok(session),
        Err(e) if e.remedy != Remedy::Usage && e.remedy != Remedy::No => return Err(e),
        Err(e) => e,
    };
    let Ok(commit) = ws.repo.resolve_commit(subject) else { return Err(not_found) };
    let mut at = Some(commit);
    for _ in 0..LOOK_BACK {
        let Some(id) = at else { break };
        let info = ws.repo.commit(id)?;
        if let Some(sid) = info.trailer("Otto-Session") {
            let session = Session::open(ws, sid).map_err(|e| elsewhere(id, sid, e))?;
            if session.with_state(|s| s.landings.iter().any(|l| l.new == id))? {
                return Ok(session);
            }
            return Err(Error::input(format!(
                "commit {id} says that it is a landing of session {sid}, and the journal has none such"
            ))
            .hint("it is an attempt or a candidate, or somebody else made it; otto verify takes what landed"));
        }
        at = info.parents.first().copied();
    }
    Err(Error::usage(format!("'{subject}' holds nothing that a session landed"))
        .hint("otto sessions lists them; a commit that Otto landed has an Otto-Session line"))
}
