//! What a person does with a spec: edit, approve, ask for changes, amend. Each names what it was
//! shown, so that nothing is said yes to that nobody looked at.

use std::path::PathBuf;

use super::amending::{Amending, Outcome, amend};
use super::{accept, keep_intent, next_version};
use crate::base::{Error, Result, Sha256};
use crate::disk;
use crate::session::event::{SpecAnswered, SpecApproved, SpecEdited, SpecRejected};
use crate::session::journal::Entry;
use crate::session::state::{Request, SpecState};
use crate::session::{Session, Workspace, versions};
use crate::spec::wish::RowChange;
use crate::spec::{Parsed, Problem, Spec, from_markdown, parse, to_markdown};

/// So often a spec is compiled again because somebody asked for changes.
pub const RECOMPILES: u32 = 5;

/// A changed spec as a person hands it in: markdown or JSON.
pub fn read_edited(text: &str, name: &str) -> Result<Spec> {
    let parsed = if text.trim_start().starts_with('{') {
        parse(text).map(|p: Parsed| p.spec)
    } else {
        from_markdown(text)
    };
    parsed.map_err(|problems| Problem::error(name, &problems))
}

/// A spec that a person changed, and the hash of what they changed it from, where they named it.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    pub spec: Spec,
    pub from: Option<Shown>,
}

/// The beginning of a hash that a person was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(String);

impl std::str::FromStr for Shown {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_start_matches("sha256:").to_ascii_lowercase();
        let hex = digits.chars().all(|c| c.is_ascii_hexdigit());
        if hex && (8..=64).contains(&digits.len()) {
            return Ok(Self(digits));
        }
        Err(format!("'{}' is not the hash of a spec: 8 to 64 hex digits", text.escape_debug()))
    }
}

impl Shown {
    /// Fails (1) where the spec is another by now.
    fn require(expect: Option<&Self>, now: Sha256, session: &Session) -> Result<()> {
        match expect {
            Some(shown) if !now.to_string().starts_with(&shown.0) => Err(Error::no(format!(
                "the spec is {} now, and not {} any more",
                now.short(),
                shown.0
            ))
            .hint(format!("look at it again: otto spec show {}", session.id))),
            Some(_) | None => Ok(()),
        }
    }
}

/// What a person hands in: from a file, or from their editor on a copy of the spec as it is.
pub fn changed(session: &Session, file: Option<PathBuf>, from: Option<Shown>) -> Result<Changed> {
    if let Some(file) = file {
        let spec = read_edited(&disk::read_text(&file)?, &file.display().to_string())?;
        return Ok(Changed { spec, from });
    }
    let copy = session.layout.spec_dir().join("edit.md");
    let now = session.current_spec()?;
    disk::replace(&copy, to_markdown(&now).as_bytes())?;
    crate::process::edit(&copy)?;
    let spec = read_edited(&disk::read_text(&copy)?, &copy.display().to_string())?;
    Ok(Changed { spec, from: from.or_else(|| Some(Shown(now.content_hash().to_string()))) })
}

/// Takes an edited spec before it is approved: a new version. After approval it has to be amended.
pub fn edited(ws: &Workspace, session: &Session, changed: &Changed, by: &str) -> Result<Sha256> {
    let spec = &Spec { amendments: Vec::new(), ..changed.spec.clone() };
    let sha256 = spec.content_hash();
    match session.with_state(|s| s.spec.clone())? {
        SpecState::None => return accept(ws, session, spec, "by hand", 0, Vec::new()),
        SpecState::Approved { sha256: now, .. } if now == sha256 => return Ok(sha256),
        SpecState::Approved { .. } => {
            return Err(Error::no("the spec is approved and does not change any more").hint(
                format!("a change needs a reason: otto spec amend {} --reason …", session.id),
            ));
        }
        SpecState::Compiled { .. } | SpecState::Rejected { .. } => {}
    }
    keep_intent(session, spec)?;
    let file = Some(versions::file_hash(spec));
    next_version(ws, session, spec, |now, version| {
        match &now.spec {
            SpecState::Approved { .. } => return Err(Error::no("the spec was approved meanwhile")),
            SpecState::Compiled { sha256 } => {
                Shown::require(changed.from.as_ref(), *sha256, session)?;
            }
            SpecState::None | SpecState::Rejected { .. } => {}
        }
        Ok(vec![Entry::new(SpecEdited { sha256, version, by: by.to_owned(), file })])
    })?;
    Ok(sha256)
}

/// Says yes to the compiled spec, once; with `expect`, to that one and no other.
pub fn approve(
    ws: &Workspace,
    session: &Session,
    by: &str,
    expect: Option<&Shown>,
) -> Result<Sha256> {
    let spec = session.read_spec()?;
    let mut approved = spec.content_hash();
    session.append_with(ws, |state| match &state.spec {
        SpecState::Compiled { sha256 } if *sha256 == approved => {
            Shown::require(expect, *sha256, session)?;
            Ok(vec![Entry::new(SpecApproved { sha256: approved, by: by.to_owned() })])
        }
        SpecState::Compiled { .. } => Err(Error::input(format!(
            "'{}' is not the spec that was compiled",
            session.layout.spec_json().display()
        ))
        .hint(format!(
            "accept the change first: otto spec edit {} --file {}",
            session.id,
            crate::base::text::shell_quote(&session.layout.spec_json().to_string_lossy())
        ))),
        SpecState::Approved { sha256, .. } => {
            Shown::require(expect, *sha256, session)?;
            approved = *sha256;
            Ok(Vec::new())
        }
        SpecState::Rejected { note } => {
            Err(Error::person(format!("this version was rejected: {note}")).hint(format!(
                "compile it again with this note: otto run --resume {id}   or change it: otto spec edit {id}",
                id = session.id
            )))
        }
        SpecState::None => Err(Error::no("there is no spec to approve yet")),
    })?;
    Ok(approved)
}

/// Asks for changes of the compiled spec; the note goes to the compiler, with the version.
pub fn reject(ws: &Workspace, session: &Session, note: &str, by: &str) -> Result<()> {
    if note.trim().is_empty() {
        return Err(Error::usage("the note is empty").hint("say what has to change"));
    }
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

/// A person changes the approved spec, also while it is being built.
pub fn amend_by_hand(
    ws: &Workspace,
    session: &Session,
    changed: Changed,
    how: &Amending<'_>,
) -> Result<Outcome> {
    let old = session.accepted_spec()?;
    Shown::require(changed.from.as_ref(), old.content_hash(), session)?;
    refuse_older(&old, &changed.spec)?;
    let outcome = amend(ws, session, &old, changed.spec, how)?;
    match outcome {
        Outcome::Raced => Err(Error::no("somebody else amended the spec meanwhile")
            .hint(format!("look at it, and amend it again: otto spec show {}", session.id))),
        Outcome::Unchanged | Outcome::Amended(_) => Ok(outcome),
    }
}

/// A file with a chain of its own was made from the version that the chain leads to.
fn refuse_older(old: &Spec, handed_in: &Spec) -> Result<()> {
    let (chain, known) = (&handed_in.amendments, &old.amendments);
    if chain.is_empty() || chain == known {
        return Ok(());
    }
    Err(match known.starts_with(chain) {
        true => Error::no(format!(
            "the file was made from an older version: {} came since",
            crate::base::text::count(known.len() - chain.len(), "amendment")
        )),
        false => Error::input("the file's amendments are not those of this session"),
    }
    .hint("begin with the spec as it is: otto spec show --json; or leave its 'amendments' out"))
}

/// The request of that number, if a person has to decide about it.
pub fn open_request(session: &Session, number: u32) -> Result<Request> {
    let found = session.with_state(|s| {
        let asked = (number as usize).checked_sub(1)?;
        s.requests.get(asked).cloned()
    })?;
    match found {
        Some(request) if request.is_open() => Ok(request),
        Some(_) => Err(Error::no(format!("request {number} is answered already"))),
        None => Err(Error::usage(format!("there is no request {number}"))
            .hint(format!("otto spec requests {} lists them", session.id))),
    }
}

/// The spec with what a request asks for; `None` where it is in words only.
pub fn as_asked(session: &Session, request: &Request) -> Result<Option<Changed>> {
    let Some(change) = &request.change else { return Ok(None) };
    let change: RowChange = change
        .read()
        .map_err(|e| Error::input("the journal holds a request that is no change").because(e))?;
    let old = session.accepted_spec()?;
    let spec = change
        .applied(&old, &request.group)
        .map_err(|problems| Problem::error("what is asked for", &problems))?;
    Ok(Some(Changed { spec, from: Some(Shown(old.content_hash().to_string())) }))
}

/// Closes a request.
pub fn answer(
    ws: &Workspace,
    session: &Session,
    number: u32,
    accepted: bool,
    (by, note): (&str, &str),
) -> Result<()> {
    let answered =
        SpecAnswered { request: number, accepted, by: by.to_owned(), note: note.to_owned() };
    session
        .append_with(ws, |s| {
            let open = s.open_requests().any(|(n, _)| n == number as usize);
            Ok(if open { vec![Entry::new(answered)] } else { Vec::new() })
        })
        .map(drop)
}

/// A kept version, as the journal knows it.
pub fn version(session: &Session, n: u32) -> Result<Spec> {
    let Some(hash) = session.with_state(|s| s.spec_versions.get(&n).copied())? else {
        return Err(Error::usage(format!("there is no version {n} of the spec"))
            .hint(format!("otto spec log {} tells of each", session.id)));
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
