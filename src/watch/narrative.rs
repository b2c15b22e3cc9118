//! `narrative.log` made again from `messages.jsonl`: it is derived, and comes back equal.

use std::io::Write;

use super::turns::{Turn, turns};
use crate::agent::narrative::Narrator;
use crate::base::{Error, Result, Secrets};
use crate::disk::{self, Lines, lock};
use crate::session::{Session, Workspace};

/// What came of writing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It was that already.
    Same,
    Anew,
}

/// The turns that a person means: of one group, of one attempt or round, or all.
pub fn chosen(session: &Session, group: Option<&str>, number: Option<u32>) -> Result<Vec<Turn>> {
    let mut found = turns(&session.layout)?;
    found.retain(|t| group.is_none() || t.group.as_deref() == group);
    found.retain(|t| number.is_none_or(|n| t.number == n));
    if found.is_empty() {
        return Err(Error::no("no agent has had such a turn")
            .hint(format!("see what happened: otto log {}", session.id)));
    }
    Ok(found)
}

/// Tells the turn again. Returns how many lines are no messages; the last one of a turn that was
/// killed may be cut, and is none.
pub fn tell(turn: &Turn, secrets: &Secrets, out: &mut dyn Write) -> Result<u64> {
    let mut narrator = Narrator::new(secrets);
    let mut unreadable = 0;
    let mut lines = Lines::open(&turn.dir.join("messages.jsonl"))?;
    let mut line = Vec::new();
    while lines.read_into(&mut line)? {
        let Some(entry) = narrator.entry(&line) else {
            let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&line).is_ok();
            unreadable += u64::from(!is_json);
            continue;
        };
        out.write_all(entry.as_bytes()).map_err(|e| match e.kind() {
            std::io::ErrorKind::BrokenPipe => Error::interrupted(libc::SIGPIPE),
            _ => Error::machine("cannot write the narrative").because(e),
        })?;
    }
    Ok(unreadable)
}

/// Writes `narrative.log` anew where it is not what the messages tell. Refuses (75) while somebody
/// writes it.
pub fn write(
    ws: &Workspace,
    session: &Session,
    turn: &Turn,
    secrets: &Secrets,
) -> Result<(Written, u64)> {
    let (layout, id) = (&ws.layout, &session.id);
    let locks = match &turn.group {
        Some(group) => vec![layout.group_lock(id, group)],
        None => vec![layout.run_lock(id), layout.audit_lock(id)],
    };
    for path in locks {
        if let Some(busy) = lock::holder::<lock::Group>(&path)? {
            return Err(busy.into_error().hint("its narrative is being written; print it instead"));
        }
    }
    let mut text = Vec::new();
    let unreadable = tell(turn, secrets, &mut text)?;
    let path = turn.dir.join("narrative.log");
    if disk::read_if_there(&path)?.as_deref() == Some(text.as_slice()) {
        return Ok((Written::Same, unreadable));
    }
    disk::replace_derived(&path, &text)?;
    Ok((Written::Anew, unreadable))
}
