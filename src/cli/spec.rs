//! How `otto spec` says what it did and what there is.

use std::path::PathBuf;

use crate::base::text::{count, one_line};
use crate::base::{Error, Result, Sha256};
use crate::session::state::SpecState;
use crate::session::{Session, Workspace};
use crate::spec::{Actor, Spec, to_markdown};
use crate::stage::compile::amending::{Amending, Outcome};
use crate::stage::compile::history::history;
use crate::stage::compile::review::{
    Changed, Shown, amend_by_hand, answer, as_asked, changed, edited, open_request, version,
};

use super::person;

/// Who decides. An agent does not: it has a file of its own for what it wants.
pub fn who() -> Result<String> {
    match std::env::var_os("OTTO_ROLE") {
        None => Ok(person()),
        Some(_) => Err(Error::no("an agent does not decide about the spec")
            .hint("a builder writes what it wants into .otto/amend.json; see docs/review.md")),
    }
}

/// The spec, and beside it, for people, which one it is.
pub fn show(session: &Session, n: Option<u32>, json: bool) -> Result<()> {
    let spec = match n {
        None => session.current_spec()?,
        Some(n) => version(session, n)?,
    };
    crate::out!("{}", if json { spec.to_json() } else { to_markdown(&spec) });
    let hash = spec.content_hash();
    match (n, session.with_state(|s| s.spec.clone())?) {
        (None, SpecState::Compiled { .. }) => crate::errln!(
            "spec {} waits; say yes: otto spec approve {} --expect {}",
            hash.short(),
            session.id,
            hash.short()
        ),
        _ => crate::errln!("spec {}", hash.short()),
    }
    Ok(())
}

/// The difference between two versions: the newest and the one before it, unless they are named.
pub fn diff(session: &Session, from: Option<u32>, to: Option<u32>) -> Result<()> {
    let newest = session.with_state(|s| s.spec_version)?;
    let to = to.unwrap_or(newest).max(1);
    let from = from.unwrap_or(to.saturating_sub(1)).max(1);
    let (a, b) = (to_markdown(&version(session, from)?), to_markdown(&version(session, to)?));
    let diff = similar::TextDiff::from_lines(&a, &b);
    let names = (format!("version {from}"), format!("version {to}"));
    crate::out!("{}", diff.unified_diff().header(&names.0, &names.1));
    Ok(())
}

/// Every version with who, when and why, and what was said to it.
pub fn log(session: &Session, json: bool) -> Result<()> {
    for version in history(session)? {
        if json {
            crate::out!("{}", super::proof::line(&version)?);
            continue;
        }
        let why = if version.why.is_empty() { String::new() } else { format!(": {}", version.why) };
        let same = version.same_as.map(|n| format!(", the same as version {n}"));
        let same = same.unwrap_or_default();
        crate::outln!(
            "{:>3}  {}  {}  {} by {}{why}{same}",
            version.version,
            version.at,
            version.sha256.short(),
            version.how,
            version.by
        );
        for said in &version.said {
            let note =
                if said.note.is_empty() { String::new() } else { format!(": {}", said.note) };
            crate::outln!("     {}  {} by {}{note}", said.at, said.what, said.by);
        }
    }
    Ok(())
}

/// What builders asked for, open ones with the command that accepts them.
pub fn requests(session: &Session, json: bool) -> Result<()> {
    let all = session.with_state(|s| s.requests.clone())?;
    if all.is_empty() && !json {
        crate::errln!("no builder asked for a change of the spec");
    }
    for (i, asked) in all.iter().enumerate() {
        let n = i + 1;
        let word = match (&asked.answer, asked.problems.is_empty()) {
            (_, false) => "refused",
            (None, true) => "open",
            (Some(answer), true) if answer.accepted => "accepted",
            (Some(_), true) => "declined",
        };
        let change = asked.change.as_ref().map(crate::base::Json::value);
        if json {
            crate::out!(
                "{}",
                super::proof::line(&serde_json::json!({
                    "request": n, "state": word, "group": asked.group, "attempt": asked.attempt,
                    "at": asked.at.to_string(), "reason": asked.reason, "wish": asked.wish, "change": change,
                    "problems": asked.problems,
                    "answered_by": asked.answer.as_ref().map(|a| &a.by),
                    "note": asked.answer.as_ref().map(|a| &a.note),
                }))?
            );
            continue;
        }
        let of = asked.attempt.map_or(String::new(), |a| format!(", attempt {a}"));
        crate::outln!("{n:>3}  {word}  group {}{of}: {}", asked.group, asked.reason);
        for line in asked.wish.lines().chain(asked.problems.iter().map(String::as_str)) {
            crate::outln!("     {}", one_line(line, 200));
        }
        if let Some(change) = change {
            crate::outln!("     as a change: {change}");
        }
        if asked.is_open() {
            let id = &session.id;
            crate::outln!(
                "     yes: otto spec amend {id} --accept {n}   no: otto spec decline {id} --request {n}"
            );
        }
    }
    Ok(())
}

/// Where a changed spec comes from.
#[derive(Debug, clap::Args)]
pub struct Source {
    /// Take it from this file (spec.md or spec.json) instead of an editor
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Refuse unless it was made from the spec with this hash
    #[arg(long, value_name = "HASH")]
    pub expect: Option<Shown>,
}

/// What `otto spec amend` was asked.
#[derive(Debug)]
pub struct Asked {
    pub reason: Option<String>,
    pub accept: Option<u32>,
    pub from: Source,
}

/// Takes a changed spec before it is approved.
pub fn edit(ws: &Workspace, session: &Session, from: Source) -> Result<()> {
    let changed = changed(session, from.file, from.expect)?;
    let (hash, id) = (edited(ws, session, &changed, &who()?)?.short(), &session.id);
    crate::outln!("spec {hash} (approve it: otto spec approve {id} --expect {hash})");
    Ok(())
}

/// Closes a request without doing what it asks for.
pub fn decline(ws: &Workspace, session: &Session, request: u32, note: &str) -> Result<()> {
    open_request(session, request)?;
    answer(ws, session, request, false, (&who()?, note))?;
    crate::outln!("request {request} is declined");
    Ok(())
}

/// Amends the approved spec, and says what follows for whom.
pub fn amend(ws: &Workspace, session: &Session, asked: Asked) -> Result<()> {
    let user = who()?;
    let actor = Actor::User(user.trim_start_matches("user:").to_owned());
    let request = asked.accept.map(|n| open_request(session, n)).transpose()?;
    let by_request = match &request {
        Some(request) if asked.from.file.is_none() => as_asked(session, request)?,
        Some(_) | None => None,
    };
    let handed_in: Changed = match by_request {
        Some(changed) => changed,
        None => changed(session, asked.from.file, asked.from.expect)?,
    };
    let trigger = match (&request, asked.accept) {
        (Some(request), Some(n)) => format!("request {n} of {}", request.group),
        (_, _) => String::new(),
    };
    let reason = asked.reason.or_else(|| request.as_ref().map(|r| r.reason.clone()));
    let reason = reason.unwrap_or_default();
    let how = Amending { reason: &reason, actor: &actor, trigger: &trigger };
    let outcome = amend_by_hand(ws, session, handed_in, &how)?;
    if let Some(n) = asked.accept {
        answer(ws, session, n, true, (&user, ""))?;
    }
    let Outcome::Amended(amended) = outcome else {
        crate::outln!("nothing changed");
        return Ok(());
    };
    crate::outln!("amended: spec {} (version {})", amended.sha256.short(), amended.version);
    for (gid, (effect, touched)) in &amended.groups {
        crate::outln!("  {gid}: {}; {}", touched.why.join(", "), effect.words());
    }
    let others = session.spec()?.groups.len() - amended.groups.len();
    if others > 0 {
        crate::outln!("  untouched: {}", count(others, "group"));
    }
    crate::outln!("the audit is due again: otto run --resume {}", session.id);
    Ok(())
}

/// One line about a spec file that holds.
pub fn checked(name: &str, spec: &Spec) -> String {
    let hash: Sha256 = spec.content_hash();
    format!("{name}: {} groups, {} features, sha256:{hash}", spec.groups.len(), spec.features.len())
}
