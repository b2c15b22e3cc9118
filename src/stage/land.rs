//! Land: the target branch moves to the integration tip. The only step that touches what the user
//! has: fast-forward only, nothing of theirs overwritten.

use std::path::Path;

use crate::base::{Error, Result};
use crate::disk;
use crate::git::{Expect, Git, Oid};
use crate::session::event::{LandLanded, LandRefused, LandStarted};
use crate::session::journal::Entry;
use crate::session::state::LandState;
use crate::stage::Context;

/// What a person insists on.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub expect_target: Option<Oid>,
    pub expect_tip: Option<Oid>,
    /// The verdict that was accepted by name, and by whom.
    pub accepted: Option<(String, String)>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landed {
    Moved { target: String, old: Oid, new: Oid },
    AlreadyThere { target: String },
}

/// Moves the target. The caller has seen to the verdict.
pub fn land(ctx: &Context<'_>, options: &Options) -> Result<Landed> {
    let repo = &ctx.ws.repo;
    let state = ctx.state()?;
    let target = ctx.session.record.target.clone().ok_or_else(|| {
        Error::no("this session has no target branch").hint("start a run with --target <branch>")
    })?;
    if let LandState::Started { old, new, checked_out, .. } = &state.land {
        return complete(ctx, &target, *old, *new, *checked_out);
    }
    let tip = state
        .landings
        .last()
        .map(|l| l.new)
        .ok_or_else(|| Error::no("nothing has landed in the integration branch yet"))?;
    let old = repo
        .read_ref(&target)?
        .ok_or_else(|| Error::machine(format!("the target '{target}' does not exist any more")))?;
    if repo.is_ancestor(tip, old)? {
        return Ok(Landed::AlreadyThere { target });
    }
    expected("the target", options.expect_target, old)?;
    expected("the tip", options.expect_tip, tip)?;
    if repo.read_ref(&ctx.session.integ_ref())? != Some(tip) {
        return Err(Error::person("the integration ref is not where the journal says")
            .hint(format!("otto merge --session {} says how to settle it", ctx.sid())));
    }
    if !repo.is_ancestor(old, tip)? {
        let why = format!(
            "'{target}' moved on: it is at {}, and the product was built from {}",
            old.short(),
            ctx.base().short()
        );
        ctx.append(Entry::new(LandRefused { target, reason: why.clone() }))?;
        return Err(Error::no(why).hint(format!(
            "bring it in and audit again: otto merge --session {sid} --sync && otto audit --session {sid}",
            sid = ctx.sid()
        )));
    }
    let place = repo.checked_out_at(&target)?;
    if let Some(place) = &place {
        refuse_dirty(ctx, place, old, tip)?;
    }
    ctx.append(Entry::new(LandStarted {
        target: target.clone(),
        old,
        new: tip,
        checked_out: place.is_some(),
        accepted: options.accepted.as_ref().map(|a| a.0.clone()),
        by: options.accepted.as_ref().map(|a| a.1.clone()),
    }))?;
    complete(ctx, &target, old, tip, place.is_some())
}

fn expected(what: &str, wanted: Option<Oid>, found: Oid) -> Result<()> {
    match wanted {
        Some(wanted) if wanted != found => {
            Err(Error::no(format!("{what} is at {found} and not at {wanted}"))
                .hint("somebody moved it since you looked; look again, then land what you saw"))
        }
        Some(_) | None => Ok(()),
    }
}

/// The second half, also after a kill: files first, then the branch, each idempotent.
fn complete(
    ctx: &Context<'_>,
    target: &str,
    old: Oid,
    new: Oid,
    checked_out: bool,
) -> Result<Landed> {
    let repo = &ctx.ws.repo;
    let now = repo.read_ref(target)?;
    if now != Some(old) && now != Some(new) {
        ctx.append(Entry::new(LandRefused {
            target: target.into(),
            reason: "the target moved while it was being landed".into(),
        }))?;
        return Err(Error::no(format!(
            "'{target}' moved while it was being landed: {}",
            now.map_or("gone".into(), |n| n.to_string())
        ))
        .hint(format!("bring it in: otto merge --session {} --sync", ctx.sid())));
    }
    if let Some(place) = repo.checked_out_at(target)?.filter(|_| checked_out) {
        let git = Git::new(&git_dir_of(ctx, &place)?).worktree(&place);
        let (old, new) = (old.to_string(), new.to_string());
        // A two-tree update keeps local changes and refuses what it would overwrite
        // (git-read-tree(1)); after a kill it finds its own half and goes on.
        git.run(&["read-tree", "-m", "-u", &old, &new]).map_err(|e| {
            e.hint("nothing of yours was overwritten; move what is in the way and land again")
        })?;
    }
    if now == Some(old) {
        let message = format!("otto: land {}", ctx.sid());
        if ctx.ws.move_ref(target, Expect::At(old), Some(new), &message)?.is_err() {
            return Err(Error::no(format!("'{target}' moved at this moment")).hint("land again"));
        }
    }
    ctx.append(Entry::new(LandLanded { target: target.into(), old, new }))?;
    super::merge::anchor(ctx)?;
    Ok(Landed::Moved { target: target.into(), old, new })
}

/// Tracked changes, and untracked files that would be overwritten: both are named, nothing moves.
fn refuse_dirty(ctx: &Context<'_>, place: &Path, old: Oid, new: Oid) -> Result<()> {
    let git = Git::new(&git_dir_of(ctx, place)?).worktree(place);
    let status = git.read(&["status", "--porcelain", "-z", "--untracked-files=all"])?;
    let mut changed = Vec::new();
    let mut untracked = Vec::new();
    let mut fields = status.split('\0').filter(|f| f.len() > 3);
    while let Some(field) = fields.next() {
        let (code, path) = field.split_at(3);
        if code.starts_with("??") {
            untracked.push(path.to_owned());
        } else {
            changed.push(path.to_owned());
            if code.starts_with('R') || code.starts_with('C') {
                // The next field is the old name.
                fields.next();
            }
        }
    }
    let repo = &ctx.ws.repo;
    let coming = repo.changes(repo.tree_of(old)?, repo.tree_of(new)?)?;
    let in_the_way: Vec<&str> = coming
        .iter()
        .filter(|c| c.old.is_none() && place.join(&c.path).symlink_metadata().is_ok())
        .map(|c| c.path.as_str())
        .collect();
    if changed.is_empty() && in_the_way.is_empty() {
        return Ok(());
    }
    let mut text = format!("the checkout '{}' is not clean:", place.display());
    for path in &changed {
        text.push_str(&format!("\n  changed: {path}"));
    }
    for path in in_the_way {
        let kind = if untracked.iter().any(|u| u == path) { "untracked" } else { "ignored" };
        text.push_str(&format!("\n  {kind} and would be overwritten: {path}"));
    }
    Err(Error::no(text).hint("commit, stash or move these, then land again"))
}

fn git_dir_of(ctx: &Context<'_>, place: &Path) -> Result<std::path::PathBuf> {
    let common = &ctx.ws.repo.project.common_dir;
    if place == ctx.ws.root() {
        return Ok(common.clone());
    }
    let dot_git = disk::read_text(&place.join(".git"))?;
    let dir = dot_git.trim().strip_prefix("gitdir: ").unwrap_or_default();
    Ok(place.join(dir))
}
