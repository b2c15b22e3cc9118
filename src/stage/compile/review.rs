//! What a person does with a spec: edit, approve, reject, amend. Versions are kept and diffable.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{accept, next_version};
use crate::base::{Error, Result, Sha256};
use crate::disk;
use crate::session::event::{SpecAmended, SpecEdited, SpecRejected};
use crate::session::journal::Entry;
use crate::session::state::SpecState;
use crate::session::{Session, State, Workspace, versions};
use crate::spec::amend::{Actor, Change, append, check_change};
use crate::spec::{Parsed, Problem, Spec, from_markdown, parse, to_markdown};

/// A changed spec as a person hands it in: markdown or JSON.
pub fn read_edited(text: &str, name: &str) -> Result<Spec> {
    let parsed = if text.trim_start().starts_with('{') {
        parse(text).map(|p: Parsed| p.spec)
    } else {
        from_markdown(text)
    };
    parsed.map_err(|problems| Problem::error(name, &problems))
}

/// Takes an edited spec before it is approved: a new version. After approval it has to be amended.
pub fn edited(ws: &Workspace, session: &Session, spec: &Spec) -> Result<Sha256> {
    let state = session.state()?;
    let hash = spec.content_hash();
    match &state.spec {
        SpecState::None => accept(ws, session, spec, "by hand", 0, Vec::new()),
        SpecState::Compiled { .. } | SpecState::Rejected { .. } => {
            keep_intent(session, spec)?;
            next_version(ws, session, spec, |now, version| match now.spec {
                SpecState::Approved { .. } => Err(Error::no("the spec was approved meanwhile")),
                SpecState::None | SpecState::Compiled { .. } | SpecState::Rejected { .. } => {
                    Ok(vec![Entry::new(SpecEdited { sha256: hash, version })])
                }
            })?;
            Ok(hash)
        }
        SpecState::Approved { sha256, .. } if *sha256 == hash => Ok(hash),
        SpecState::Approved { .. } => Err(Error::no(
            "the spec is approved and does not change any more",
        )
        .hint(format!("a change needs a reason: otto spec amend {} --reason …", session.id))),
    }
}

/// Changes an approved spec: a link in the amendment chain, and what it concerns is built again.
pub fn amend(
    ws: &Workspace,
    session: &Session,
    changed: Spec,
    reason: &str,
    actor: &Actor,
    at: Timestamp,
) -> Result<Option<Sha256>> {
    let old = session.spec()?;
    keep_intent(session, &changed)?;
    let mut content = changed;
    content.amendments.clone_from(&old.amendments);
    if content.content_hash() == old.content_hash() {
        return Ok(None);
    }
    let new = append(&old, content, reason, actor, at, "");
    match check_change(&old, &new)? {
        Change::Unchanged => return Ok(None),
        Change::Amended(_) => {}
    }
    let problems = crate::spec::problems(&new);
    if !problems.is_empty() {
        return Err(Problem::error("the amended spec", &problems));
    }
    let (before, after) = (old.content_hash(), new.content_hash());
    next_version(ws, session, &new, |state, version| {
        if state.approved() != Some(before) {
            return Err(Error::no("somebody else amended the spec meanwhile")
                .hint("look at it and amend it again"));
        }
        let amended = SpecAmended { before, after, reason: reason.to_owned(), version };
        Ok(std::iter::once(Entry::new(amended)).chain(touched(state, &old, &new)).collect())
    })?;
    Ok(Some(after))
}

/// Groups whose own part changed are built again; passing work of others stays.
fn touched(state: &State, old: &Spec, new: &Spec) -> Vec<Entry> {
    use crate::session::Phase;
    use crate::session::event::{GroupInvalidated, Invalid};
    let mut out = Vec::new();
    for group in &new.groups {
        let phase = state.phase(&group.id);
        let same = old.group(&group.id) == Some(group);
        if !same && matches!(phase, Phase::Passing { .. } | Phase::Failed { .. }) {
            let brief = "The spec of this group changed.".to_owned();
            let event = GroupInvalidated { reason: Invalid::SpecChanged, brief };
            out.push(Entry::group(&group.id, event));
        }
    }
    out
}

/// Says no to the compiled spec; the note goes to the compiler when it is asked again.
pub fn reject(ws: &Workspace, session: &Session, note: &str, by: &str) -> Result<()> {
    // What is rejected is what lies there: afterwards the journal names no current hash any more.
    session.with_state(|state| versions::heal(&session.layout, state))??;
    session.append_with(ws, |state| match &state.spec {
        SpecState::Compiled { .. } => {
            Ok(vec![Entry::new(SpecRejected { note: note.to_owned(), by: by.to_owned() })])
        }
        SpecState::Approved { .. } => Err(Error::no("the spec is approved already")
            .hint("change it with: otto spec amend --reason …")),
        SpecState::None | SpecState::Rejected { .. } => {
            Err(Error::no("there is no compiled spec to reject"))
        }
    })?;
    Ok(())
}

fn keep_intent(session: &Session, spec: &Spec) -> Result<()> {
    let intent = session.intent()?;
    if spec.intent.trim() == intent.trim() {
        return Ok(());
    }
    Err(Error::input("the intent of a session does not change")
        .hint("start a new one for another intent: otto compile \"…\""))
}

/// A kept version, as the journal knows it.
pub fn version(session: &Session, n: u32) -> Result<Spec> {
    let Some(hash) = session.with_state(|s| s.spec_versions.get(&n).copied())? else {
        return Err(Error::usage(format!("there is no version {n} of the spec"))
            .hint(format!("otto log {} tells of each", session.id)));
    };
    let path = session.layout.spec_version(n);
    let text = disk::read_text(&path)?;
    let spec = read_edited(&text, &path.display().to_string())?;
    if spec.content_hash() != hash {
        return Err(Error::input(format!(
            "'{}' is not version {n} of the spec as it was accepted",
            path.display()
        ))
        .hint("nothing was changed; restore the file from a backup"));
    }
    Ok(spec)
}

/// The text that a person hands in: from a file, or from their editor on a copy.
pub fn changed_text(session: &Session, file: Option<PathBuf>) -> Result<(String, String)> {
    if let Some(file) = file {
        return Ok((disk::read_text(&file)?, file.display().to_string()));
    }
    let copy = session.layout.spec_dir().join("edit.md");
    disk::replace(&copy, to_markdown(&session.current_spec()?).as_bytes())?;
    crate::process::edit(&copy)?;
    Ok((disk::read_text(&copy)?, copy.display().to_string()))
}
