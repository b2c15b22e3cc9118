//! Clearing up after old sessions.
//!
//! What goes is what can be made again (the files of the proof) and what only tells how it went
//! (agents' transcripts, prompts). Work never goes: no branch, no ref, nothing in the attic; nor
//! does what a proof stands on: the journal, the spec, the evidence. [`Depth::Whole`] takes the
//! whole folder of a session, journal and evidence with it, and still no ref.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::State;
use crate::base::{Error, Result, SessionId};
use crate::disk;
use crate::session::layout::{SessionLayout, refs};
use crate::session::{Session, Workspace, all};
use crate::stage::abort::hold_session;
use crate::stage::render::rebuild_history;

/// How much of a session goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// What can be made again, and what only tells how it went.
    Parts,
    /// The folder. Its journal and evidence are gone for good.
    Whole,
}

/// Which sessions are old.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Nothing happened in it since.
    pub before: Timestamp,
    /// So many of the newest sessions stay, however old they are.
    pub keep: usize,
    /// Only these, if any are named; their age does not matter then.
    pub only: Vec<SessionId>,
    pub depth: Depth,
}

/// What goes of one session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    pub session: SessionId,
    /// Files and folders, relative to the session's folder; empty for the folder itself.
    pub paths: Vec<PathBuf>,
    pub bytes: u64,
    /// Refs of the session, all of which stay.
    pub refs: usize,
}

/// A session that stays as it is, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spared {
    pub session: SessionId,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    pub depth: Depth,
    pub parts: Vec<Part>,
    pub spared: Vec<Spared>,
}

impl Plan {
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|p| p.bytes).sum()
    }
}

/// What a session is, for the rule.
struct Known {
    id: SessionId,
    /// `None` for one that cannot be read.
    seen: Option<(State, Timestamp)>,
}

/// The instant that lies `text` (`30d`, `12h`, `2 weeks`) before `now`.
pub fn older_than(text: &str, now: Timestamp) -> Result<Timestamp> {
    let bad = |e: jiff::Error| {
        Error::usage(format!("'{text}' is no length of time"))
            .because(e)
            .hint("write it like 30d, 12h or 2w")
    };
    let span: jiff::Span = text.parse().map_err(bad)?;
    let then = now.to_zoned(TimeZone::UTC).checked_sub(span.abs()).map_err(bad)?;
    Ok(then.timestamp())
}

/// What would go by this rule. Reads only.
pub fn plan(ws: &Workspace, rule: &Rule) -> Result<Plan> {
    let mut known = Vec::new();
    for id in all(&ws.layout)? {
        let seen = Session::open(ws, id.as_str()).and_then(|s| {
            s.with_state(|state| {
                let last = state.last_at.or(state.created_at).unwrap_or(Timestamp::MAX);
                (State::of(state), last)
            })
        });
        known.push(Known { id, seen: seen.ok() });
    }
    let mut out = Plan { depth: rule.depth, parts: Vec::new(), spared: Vec::new() };
    for (known, why) in judge(&known, rule) {
        match why {
            None => {
                let part = part(ws, &known.id, rule.depth)?;
                if !part.paths.is_empty() {
                    out.parts.push(part);
                }
            }
            Some(why) => out.spared.push(Spared { session: known.id.clone(), why }),
        }
    }
    Ok(out)
}

/// Each session, oldest first, with the reason for which it stays.
fn judge<'a>(known: &'a [Known], rule: &Rule) -> impl Iterator<Item = (&'a Known, Option<String>)> {
    let newest = known.len().saturating_sub(rule.keep);
    let only = rule.only.clone();
    let before = rule.before;
    known.iter().enumerate().map(move |(n, known)| {
        let why = match known.seen {
            // Whoever looks for what happened to it needs all of it.
            None => Some("it cannot be read; otto verify says why".to_owned()),
            Some((state, _)) if !state.is_over() => Some("it is not over".to_owned()),
            Some(_) if !only.is_empty() => {
                (!only.contains(&known.id)).then(|| "it was not named".to_owned())
            }
            Some(_) if n >= newest => Some("it is one of the newest".to_owned()),
            Some((_, last)) if last >= before => Some("it is not old enough".to_owned()),
            Some(_) => None,
        };
        (known, why)
    })
}

fn part(ws: &Workspace, id: &SessionId, depth: Depth) -> Result<Part> {
    let layout = ws.layout.session(id);
    let paths = match depth {
        Depth::Whole => vec![PathBuf::new()],
        Depth::Parts => parts(&layout)?,
    };
    let mut bytes = 0;
    for path in &paths {
        bytes += disk::size_of(&layout.dir.join(path))?;
    }
    Ok(Part { session: id.clone(), paths, bytes, refs: refs_of(ws, id)? })
}

/// An allow-list: whatever is not known here stays.
fn parts(layout: &SessionLayout) -> Result<Vec<PathBuf>> {
    let derived = [layout.proof_html(), layout.proof_json(), layout.manifest(), layout.usage()];
    let mut out: Vec<PathBuf> = derived.into_iter().filter(|p| p.is_file()).collect();
    let spec = layout.spec_dir();
    numbered(&spec, "attempt-", &mut out)?;
    numbered(&layout.dir.join("audit"), "round-", &mut out)?;
    for stage in ["build", "merge", "repair"] {
        let dir = layout.dir.join(stage);
        for unit in disk::subdirs(&dir)? {
            numbered(&dir.join(unit), "attempt-", &mut out)?;
        }
    }
    Ok(out.iter().filter_map(|p| p.strip_prefix(&layout.dir).ok()).map(Path::to_owned).collect())
}

/// The folders `<prefix><digits>` in `dir`.
fn numbered(dir: &Path, prefix: &str, out: &mut Vec<PathBuf>) -> Result<()> {
    let is_one = |name: &&String| {
        let rest = name.strip_prefix(prefix).unwrap_or_default();
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit())
    };
    out.extend(disk::subdirs(dir)?.iter().filter(is_one).map(|name| dir.join(name)));
    Ok(())
}

fn refs_of(ws: &Workspace, id: &SessionId) -> Result<usize> {
    let below = |prefix: String| Ok::<usize, Error>(ws.repo.refs_below(&prefix)?.len());
    let build = below(format!("{}{id}", refs::BUILD))?;
    let attic = below(format!("{}{id}", refs::ATTIC))?;
    let integ = usize::from(ws.repo.read_ref(&refs::integ(id))?.is_some());
    Ok(build + attic + integ)
}

/// Does what the plan says. A session that somebody has begun to work on since is left (75).
pub fn remove(ws: &Workspace, plan: &Plan) -> Result<()> {
    for part in &plan.parts {
        let session = Session::open(ws, part.session.as_str())?;
        let quiet = hold_session(ws, &session)?;
        if !session.with_state(|s| State::of(s).is_over())? {
            let what =
                format!("session {} was taken up again; nothing of it was removed", session.id);
            return Err(Error::later(what, None).hint("otto proof cleanup shows what would go now"));
        }
        for path in &part.paths {
            if path.as_os_str().is_empty() {
                disk::remove_whole(&session.layout.dir)?;
                continue;
            }
            let path = session.layout.dir.join(path);
            if path.is_dir() { disk::remove_dir_all(&path)? } else { disk::remove_file(&path)? }
        }
        drop(quiet);
    }
    // A session whose folder is gone has no row any more.
    rebuild_history(&ws.layout)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hours * 3600).expect("an instant")
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = at(0);
        for text in ["30d", "720h", "30 days"] {
            assert_eq!(older_than(text, now).expect("a time"), at(-720), "{text}");
        }
        assert_eq!(older_than("0d", now).expect("a time"), now);
        assert_eq!(older_than("a while", now).expect_err("none").exit(), crate::base::Exit::USAGE);
    }

    proptest! {
        /// Nothing that is open, unreadable, young, new or not named goes.
        #[test]
        fn only_what_the_rule_allows_goes(
            sessions in prop::collection::vec((0..7_usize, -2000..0_i64), 0..14),
            keep in 0..6_usize, age in 0..2000_i64, named in prop::collection::vec(0..14_usize, 0..3),
        ) {
            let known: Vec<Known> = sessions.iter().enumerate().map(|(n, (state, hours))| {
                let states = [State::Open, State::Paused, State::Finished, State::Finished, State::Aborted, State::Landed];
                Known {
                    id: format!("20261120-1011{n:02}-abcd").parse().expect("an id"),
                    seen: states.get(*state).map(|s| (*s, at(*hours))),
                }
            }).collect();
            let only: Vec<SessionId> =
                named.iter().filter_map(|n| known.get(*n)).map(|k| k.id.clone()).collect();
            let rule = Rule { before: at(-age), keep, only: only.clone(), depth: Depth::Parts };
            let judged: Vec<(&Known, Option<String>)> = judge(&known, &rule).collect();
            prop_assert_eq!(judged.len(), known.len());
            for (n, (one, why)) in judged.iter().enumerate().filter(|(_, (_, why))| why.is_none()) {
                let (state, last) = one.seen.expect("it can be read");
                prop_assert!(state.is_over() && why.is_none());
                if only.is_empty() {
                    prop_assert!(last < rule.before && n + keep < known.len());
                } else {
                    prop_assert!(only.contains(&one.id));
                }
            }
        }
    }
}
