//! Compile: intent → approved spec.

mod answer;
pub mod review;
mod start;
mod turns;

pub use answer::spec_from;
pub use start::{Needs, Start, configuration, create};
pub use turns::{accept_file, compile, read_spec_file};

use crate::base::{Error, Result, Sha256};
use crate::disk;
use crate::session::event::{SpecApproved, SpecCompiled};
use crate::session::journal::Entry;
use crate::session::state::SpecState;
use crate::session::{Session, Workspace};
use crate::spec::{Spec, to_markdown};

/// Writes a valid spec as the session's next version. The files come first and the event is the
/// commit point: a kill in between leaves a version that nothing refers to.
pub fn accept(
    ws: &Workspace,
    session: &Session,
    spec: &Spec,
    source: &str,
    turns: u32,
    warnings: Vec<String>,
) -> Result<Sha256> {
    let hash = spec.content_hash();
    let version = session.with_state(|s| s.spec_version)? + 1;
    write_files(session, spec, version)?;
    let event = SpecCompiled { sha256: hash, version, source: source.to_owned(), turns, warnings };
    session.append(ws, Entry::new(event))?;
    Ok(hash)
}

/// The three files of a version; `spec.json` last, because it is the one that is read.
pub fn write_files(session: &Session, spec: &Spec, version: u32) -> Result<()> {
    let json = spec.to_json();
    disk::replace(&session.layout.spec_version(version), json.as_bytes())?;
    disk::replace(&session.layout.spec_md(), to_markdown(spec).as_bytes())?;
    disk::replace(&session.layout.spec_json(), json.as_bytes())
}

/// Says yes to the compiled spec, once.
pub fn approve(ws: &Workspace, session: &Session, by: &str) -> Result<Sha256> {
    let spec = session.read_spec()?;
    let mut approved = spec.content_hash();
    session.append_with(ws, |state| match &state.spec {
        SpecState::Compiled { sha256 } if *sha256 == approved => {
            Ok(vec![Entry::new(SpecApproved { sha256: approved, by: by.to_owned() })])
        }
        SpecState::Compiled { .. } => Err(Error::input(format!(
            "'{}' is not the spec that was compiled",
            session.layout.spec_json().display()
        ))
        .hint(format!("accept the change first: otto spec edit {}", session.id))),
        SpecState::Approved { sha256, .. } => {
            approved = *sha256;
            Ok(Vec::new())
        }
        SpecState::Rejected { note } => {
            Err(Error::person(format!("this version was rejected: {note}"))
                .hint(format!("change it first: otto spec edit {}", session.id)))
        }
        SpecState::None => Err(Error::no("there is no spec to approve yet")),
    })?;
    Ok(approved)
}
