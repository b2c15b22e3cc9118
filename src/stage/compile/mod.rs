//! Compile: intent → approved spec.

pub mod amending;
mod answer;
mod given;
pub mod history;
pub mod review;
mod start;
mod turns;

pub use answer::spec_from;
pub use given::{check_spec_file, read_spec, read_spec_file};
pub use start::{Start, configuration, create};
pub use turns::compile;

use crate::base::{Error, Result, Sha256};
use crate::session::event::SpecCompiled;
use crate::session::journal::Entry;
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
    // The chain of a session begins with its own approval.
    let spec = &Spec { amendments: Vec::new(), ..spec.clone() };
    let file = Some(versions::file_hash(spec));
    next_version(ws, session, spec, |_, version| {
        Ok(vec![Entry::new(SpecCompiled { sha256, version, source, turns, warnings, file })])
    })?;
    Ok(sha256)
}

/// Writes `spec` as the session's next version: the kept file, then the events that `decide`
/// answers (the commit point; none of them, and nothing is written), then the files that are read.
/// The first two happen under the
/// journal's lock, so that no two versions get the same number.
pub(super) fn next_version(
    ws: &Workspace,
    session: &Session,
    spec: &Spec,
    decide: impl FnOnce(&State, u32) -> Result<Vec<Entry>>,
) -> Result<()> {
    let written = session.append_with(ws, |state| {
        let version = state.spec_version + 1;
        let entries = decide(state, version)?;
        if !entries.is_empty() {
            versions::write_version(&session.layout, spec, version)?;
        }
        Ok(entries)
    })?;
    if written.is_empty() {
        return Ok(());
    }
    versions::write_current(&session.layout, spec)
}

/// The intent of a session is the person's, and another one is another session.
pub(super) fn keep_intent(session: &Session, spec: &Spec) -> Result<()> {
    let intent = session.intent()?;
    if spec.intent.trim() == intent.trim() {
        return Ok(());
    }
    Err(Error::input("the intent of a session does not change")
        .hint("start a new one for another intent: otto compile \"…\""))
}
