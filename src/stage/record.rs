//! A session as a recording: the turns of its agents, which `otto-provider-replay` plays again.
//!
//! ```text
//! <dir>/recording.json                    session and turns
//! <dir>/<role>/<group or _>/<NN>/
//!     changes.patch     from the tree that the turn began with to the one that it left
//!     answer.json       what it answered, for roles that answer with data
//!     narrative.txt     what it said
//!     usage.json        what it reported to have used
//! ```
//!
//! `NN` counts from 01 within a role and group. Turns that a provider failed at, or that were
//! killed before they left anything, are no part of the work and are left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::agent::Event;
use crate::base::{Error, Result, Secrets, Sha256};
use crate::disk;
use crate::git::Oid;
use crate::session::event::{AttemptOutcome, Usage};
use crate::session::state::{Attempt, AttemptEnd};
use crate::session::{Session, Workspace};
use crate::stage::audit::turn_dirs;

pub const VERSION: u32 = 1;

/// `recording.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    pub v: u32,
    pub session: String,
    pub turns: Vec<RecordedTurn>,
}

/// One turn of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedTurn {
    pub role: String,
    pub group: Option<String>,
    /// Counted from 1 within the role and group.
    pub number: u32,
    /// Absent when nothing was changed.
    pub patch_sha256: Option<Sha256>,
}

/// Where a recording keeps a turn.
pub fn turn_dir(recording: &Path, role: &str, group: Option<&str>, number: u32) -> PathBuf {
    recording.join(role).join(group.unwrap_or("_")).join(format!("{number:02}"))
}

/// Writes the recording of a session into `dir`, which must be empty or absent (2), and returns
/// how many turns it has. A journal or transcript that is damaged is refused (65).
pub fn export(ws: &Workspace, session: &Session, dir: &Path) -> Result<usize> {
    refuse_used(dir)?;
    let secrets = Secrets::from_env(&session.config.secrets);
    let mut out = Writer { dir, secrets, numbers: BTreeMap::new(), turns: Vec::new() };
    let layout = &session.layout;
    for from in numbered(&layout.spec_dir(), "attempt-")? {
        out.answer("spec", &from)?;
    }
    let state = session.state()?;
    for (gid, group) in &state.groups {
        for attempt in &group.attempts {
            let Some(end) = &attempt.finished else { continue };
            if !leaves_something(attempt, end) {
                continue;
            }
            let patch = patch(ws, gid, attempt, end)?;
            let from = [
                layout.build_attempt(gid, attempt.number),
                layout.merge_attempt(gid, attempt.number),
            ];
            let from = from.iter().find(|d| d.is_dir()).unwrap_or(&from[0]);
            out.turn(&attempt.role, Some(gid), from, &patch, None)?;
        }
    }
    for from in turn_dirs(layout)? {
        out.answer("certifier", &from)?;
    }
    for from in numbered(&layout.pilots(), "")? {
        out.answer("pilot", &from)?;
    }
    let recording = Recording { v: VERSION, session: session.id.to_string(), turns: out.turns };
    // Last: a recording without it is one that was not finished.
    disk::replace_json(&dir.join("recording.json"), &recording)?;
    Ok(recording.turns.len())
}

fn refuse_used(dir: &Path) -> Result<()> {
    let shown = dir.display();
    match std::fs::read_dir(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotADirectory => {
            Err(Error::usage(format!("'{shown}' is not a folder")))
        }
        Err(e) => Err(Error::file("list", dir, e)),
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Error::usage(format!("the folder '{shown}' is not empty"))
                .hint("a recording gets a folder of its own: name one that does not exist yet")),
        },
    }
}

/// The subfolders `<prefix>NN` of `dir`, by number.
fn numbered(dir: &Path, prefix: &str) -> Result<Vec<PathBuf>> {
    let names = disk::subdirs(dir)?;
    let mut found: Vec<(u32, PathBuf)> = names
        .iter()
        .filter_map(|name| Some((name.strip_prefix(prefix)?.parse().ok()?, dir.join(name))))
        .collect();
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Whether the attempt is worth playing again: an agent that changed nothing is, a provider that
/// failed is not.
fn leaves_something(attempt: &Attempt, end: &AttemptEnd) -> bool {
    let changed = end.commit.is_some_and(|c| c != attempt.start) || end.files > 0;
    match end.outcome {
        AttemptOutcome::Passing
        | AttemptOutcome::ChecksFailed
        | AttemptOutcome::Violation
        | AttemptOutcome::NoChange => true,
        AttemptOutcome::TurnFailed | AttemptOutcome::Interrupted => changed,
    }
}

/// From the tree that the attempt's worktree began with to the one that it left.
fn patch(ws: &Workspace, gid: &str, attempt: &Attempt, end: &AttemptEnd) -> Result<Vec<u8>> {
    let gone = |id: Oid| {
        Error::input(format!(
            "the work of attempt {} of '{gid}' ({}) is no longer in the repository",
            attempt.number,
            id.short()
        ))
        .hint("git gc removed it; the other sessions can still be recorded")
    };
    let left = match (end.tree, end.commit) {
        (Some(tree), _) => tree,
        (None, Some(commit)) => ws.repo.tree_of(commit).map_err(|e| gone(commit).because(e))?,
        (None, None) => return Ok(Vec::new()),
    };
    if !ws.repo.has_object(left) {
        return Err(gone(left));
    }
    let began = ws.repo.tree_of(attempt.start).map_err(|e| gone(attempt.start).because(e))?;
    if began == left {
        return Ok(Vec::new());
    }
    ws.repo.patch(began, left)
}

struct Writer<'a> {
    dir: &'a Path,
    /// Hidden in patches; everything else was written without them.
    secrets: Secrets,
    numbers: BTreeMap<(String, Option<String>), u32>,
    turns: Vec<RecordedTurn>,
}

impl Writer<'_> {
    /// A turn that answered with data; `from` is its folder. Without an answer there was none.
    fn answer(&mut self, role: &str, from: &Path) -> Result<()> {
        let path = from.join("answer.json");
        let Some(bytes) = disk::read_if_there(&path)? else { return Ok(()) };
        let answer: Value = serde_json::from_slice(&bytes)
            .map_err(|e| Error::input(format!("'{}' is not JSON", path.display())).because(e))?;
        self.turn(role, None, from, &[], Some(&answer))
    }

    fn turn(
        &mut self,
        role: &str,
        group: Option<&str>,
        from: &Path,
        patch: &[u8],
        answer: Option<&Value>,
    ) -> Result<()> {
        let key = (role.to_owned(), group.map(str::to_owned));
        let number = self.numbers.entry(key).or_default();
        *number += 1;
        let number = *number;
        let to = turn_dir(self.dir, role, group, number);
        disk::create_dir_all(&to)?;
        let told = Told::read(&from.join("messages.jsonl"))?;
        disk::replace(&to.join("narrative.txt"), told.narrative.as_bytes())?;
        if let Some(usage) = told.usage_json() {
            disk::replace_json(&to.join("usage.json"), &usage)?;
        }
        if let Some(answer) = answer {
            disk::replace_json(&to.join("answer.json"), answer)?;
        }
        let patch = &*self.secrets.hide_bytes(patch);
        if !patch.is_empty() {
            disk::replace(&to.join("changes.patch"), patch)?;
        }
        self.turns.push(RecordedTurn {
            role: role.to_owned(),
            group: group.map(str::to_owned),
            number,
            patch_sha256: (!patch.is_empty()).then(|| Sha256::of(patch)),
        });
        Ok(())
    }
}

/// What a transcript tells.
#[derive(Debug, Default)]
struct Told {
    narrative: String,
    usage: Usage,
}

#[derive(Deserialize)]
struct Message {
    m: Event,
}

impl Told {
    /// An absent transcript tells nothing.
    fn read(path: &Path) -> Result<Self> {
        let mut told = Self::default();
        for line in disk::Lines::open(path)? {
            let line = line?;
            let message: Message = serde_json::from_slice(&line.bytes).map_err(|e| {
                Error::input(format!("'{}' is damaged at line {}", path.display(), line.number))
                    .because(e)
            })?;
            if let Some(usage) = message.m.usage() {
                told.usage.add(&usage);
            }
            if let Event::Text { text } = &message.m {
                for line in text.lines().filter(|line| !line.trim().is_empty()) {
                    told.narrative.push_str(line);
                    told.narrative.push('\n');
                }
            }
        }
        Ok(told)
    }

    /// Only the numbers that were reported; `None` when there was none.
    fn usage_json(&self) -> Option<Value> {
        let mut value = serde_json::to_value(self.usage).ok()?;
        let map = value.as_object_mut()?;
        map.retain(|_, number| !number.is_null());
        if map.is_empty() { None } else { Some(value) }
    }
}

#[cfg(test)]
mod tests;
