//! Compile: intent → approved spec.

mod answer;
mod given;
pub mod review;
mod start;
mod turns;

pub use answer::spec_from;
pub use given::{check_spec_file, read_spec, read_spec_file};
pub use start::{Start, configuration, create};
pub use turns::compile;

use crate::base::{Error, Result, Sha256};
use crate::session::event::{SpecApproved, SpecCompiled};
use crate::session::journal::Entry;
use crate::session::state::SpecState;
use crate::session::{Session, State, Workspace, versions};
use crate::spec::Spec;

/// Takes a valid spec as the session's next version.
pub fn accept(
    ws: &Workspace,
    session: &Session,
    spec: &Spec,
    source: &str,
    turns: u32,
    warnings: Vec<String>,
) -> Result<Sha256> {
    let sha256 = spec.content_hash();
    let source = source.to_owned();
    next_version(ws, session, spec, |_, version| {
        Ok(vec![Entry::new(SpecCompiled { sha256, version, source, turns, warnings })])
    })?;
    Ok(sha256)
}

/// Writes `spec` as the session's next version: the kept file, then the events that `decide`
/// answers (the commit point), then the files that are read. The first two happen under the
/// journal's lock, so that no two versions get the same number.
pub(super) fn next_version(
    ws: &Workspace,
    session: &Session,
    spec: &Spec,
    decide: impl FnOnce(&State, u32) -> Result<Vec<Entry>>,
) -> Result<()> {
    session.append_with(ws, |state| {
        let version = state.spec_version + 1;
        let entries = decide(state, version)?;
        versions::write_version(&session.layout, spec, version)?;
        Ok(entries)
    })?;
    versions::write_current(&session.layout, spec)
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
