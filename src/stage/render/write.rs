//! The files of a proof, all of them derived: deleted and rendered again they are the same bytes.

mod history;
mod manifest;
mod summary;
#[cfg(test)]
mod tests;
mod usage;

pub use history::{rebuild as rebuild_history, rendered_events};
pub use summary::Summary;

use std::path::PathBuf;

use super::collect::{alone, collect};
use super::exhibit;
use super::packet::{Chain, ProofPacket, Word};
use crate::base::Result;
use crate::check::evidence::EvidenceStore;
use crate::disk;
use crate::session::state::SpecState;
use crate::session::{Session, Workspace};
use crate::spec::{ProjectKind, Spec, Structure, VERSION};
use crate::stage::git_notes;

/// What was written.
#[derive(Debug, Clone)]
pub struct Rendered {
    pub json: PathBuf,
    pub html: PathBuf,
    pub verdict: Word,
    pub packet: ProofPacket,
}

/// Writes the proof of a session as it is now, its summary, usage and manifest, and the project's
/// history.
pub fn render(ws: &Workspace, session: &Session) -> Result<Rendered> {
    let spec = spec_of(session)?;
    let packet = collect(ws, session, &spec)?;
    let layout = &session.layout;
    let (json, html) = (layout.proof_json(), layout.proof_html());
    disk::replace(&json, packet.to_json().as_bytes())?;
    let exhibits = exhibit::read(&EvidenceStore::new(layout.evidence()), &packet)?;
    disk::replace(&html, super::html(&packet, &exhibits)?.as_bytes())?;
    disk::replace_json(&layout.usage(), &usage::of(&packet))?;
    disk::replace_json(&layout.summary(), &summary::of(&packet))?;
    // Last, since it names all the others.
    manifest::write(layout)?;
    history::rebuild(&ws.layout)?;
    if packet.journal.chain == Chain::Intact {
        git_notes::write(ws, session, &git_notes::records(session)?)?;
    }
    Ok(Rendered { json, html, verdict: packet.verdict.word, packet })
}

/// The packet of a session as it is now; writes nothing.
pub fn packet_of(ws: &Workspace, session: &Session) -> Result<ProofPacket> {
    alone(ws, session, &spec_of(session)?)
}

/// What a list says about a session: its summary where that is as new as its journal, else made
/// again. Writes nothing.
pub fn summary_of(ws: &Workspace, session: &Session) -> Result<Summary> {
    match written(session)? {
        Some(summary) => Ok(summary),
        None => Ok(summary::of(&packet_of(ws, session)?)),
    }
}

/// The files of the proof, made again where one is missing or older than the journal.
pub fn current(ws: &Workspace, session: &Session) -> Result<(PathBuf, PathBuf)> {
    let (json, html) = (session.layout.proof_json(), session.layout.proof_html());
    if written(session)?.is_none() || !json.exists() || !html.exists() {
        render(ws, session)?;
    }
    Ok((json, html))
}

/// The summary in the session's folder, if it knows the whole journal.
fn written(session: &Session) -> Result<Option<Summary>> {
    let bytes = disk::read_if_there(&session.layout.summary())?.unwrap_or_default();
    let events = session.with_state(|s| s.events)?;
    // One that cannot be read is derived like any other.
    let summary = serde_json::from_slice::<Summary>(&bytes).ok();
    Ok(summary.filter(|s| s.session == session.id && s.events == events))
}

/// The spec in the session's folder, approved or not; a blank one before there is any. A file that
/// is there and cannot be read is an error (65): a proof about another spec would be a lie.
fn spec_of(session: &Session) -> Result<Spec> {
    let there = session.layout.spec_json().exists();
    let none = session.with_state(|s| s.spec == SpecState::None).unwrap_or(!there);
    if none && !there { Ok(blank(session)) } else { session.current_spec() }
}

/// What a session has before it is compiled: the intent, and nothing that could be judged.
pub(super) fn blank(session: &Session) -> Spec {
    Spec {
        v: VERSION,
        intent: String::new(),
        intent_sha256: session.record.intent_sha256.to_string(),
        project_kind: ProjectKind::Library,
        structure: Structure::default(),
        features: Vec::new(),
        groups: Vec::new(),
        cross_group_checks: Vec::new(),
        shared_scaffold: Vec::new(),
        protected_paths: Vec::new(),
        contracts: Vec::new(),
        prepare: Vec::new(),
        services: Vec::new(),
        fixtures: Vec::new(),
        non_goals: Vec::new(),
        done_means: Vec::new(),
        amendments: Vec::new(),
    }
}
