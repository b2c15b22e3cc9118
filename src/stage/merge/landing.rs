//! The landing: the only code that moves the integration ref.
//!
//! What landed is what was tested (I0): the landing commit has the tested candidate's tree and
//! parents and differs in its message alone; a [`Landing`] is made from the tested candidate and
//! the result of the ref update, and from nothing else.

use serde_json::json;

use super::candidate::Candidate;
use super::may_land::{Stale, by_this_spec, may_land};
use super::reconcile::{finish_announced, reconcile};
use crate::base::{Error, Result};
use crate::check::batch::Ran;
use crate::disk::Held;
use crate::disk::lock::Integ;
use crate::git::{Expect, NewCommit, Oid};
use crate::session::event::{MergeLanded, MergeStarted};
use crate::session::journal::Entry;
use crate::session::layout::refs;
use crate::stage::Context;

/// A candidate whose checks were all green at exactly this commit.
#[derive(Debug)]
pub struct Tested {
    candidate: Candidate,
    checks: Vec<Ran>,
}

impl Tested {
    /// Refused unless every check passed on the candidate's own tree.
    pub(super) fn new(
        candidate: Candidate,
        checks: Vec<Ran>,
    ) -> std::result::Result<Self, Vec<Ran>> {
        let tree = candidate.tree.to_string();
        let red: Vec<Ran> = checks
            .iter()
            .filter(|r| !r.outcome.is_pass() || r.outcome.tree() != tree)
            .cloned()
            .collect();
        if red.is_empty() { Ok(Self { candidate, checks }) } else { Err(red) }
    }
}

/// The integration ref moved from `old` to `new`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landing {
    pub old: Oid,
    pub new: Oid,
    pub tested_commit: Oid,
    pub tree: Oid,
}

/// Lands it: objects durable, intent recorded, ref moved by compare-and-swap, ref and tree read
/// back, outcome recorded, chain head anchored.
pub(super) fn land(
    ctx: &Context<'_>,
    held: &Held<Integ>,
    subject: &Subject<'_>,
    tested: Tested,
) -> Result<Option<Landing>> {
    let candidate = &tested.candidate;
    let commit = ctx.ws.repo.commit(candidate.commit)?;
    let new = ctx.ws.repo.write_commit(&NewCommit {
        tree: commit.tree,
        parents: &commit.parents,
        message: &message(ctx, subject, &tested),
        at: ctx.ws.clock.now(),
    })?;
    ctx.sync_objects()?;
    ctx.refuse_checked_out(&ctx.session.integ_ref())?;
    let intent = MergeStarted {
        old: candidate.tip,
        new,
        tested_commit: candidate.commit,
        tree: candidate.tree,
        head: candidate.head,
        boot: crate::process::boot_id(),
    };
    let mut stale = None;
    ctx.session.append_with(ctx.ws, |s| {
        let (gid, tip, head) = (subject.gid, candidate.tip, candidate.head);
        let may = by_this_spec(s, ctx.spec_sha256());
        if let Err(why) = may.and_then(|()| may_land(&ctx.spec, s, gid, tip, head)) {
            stale = Some(why);
            return Ok(Vec::new());
        }
        let entry = Entry::group(subject.gid, intent.clone());
        Ok(vec![Entry { attempt: subject.attempt, ..entry }])
    })?;
    if let Some(why) = stale {
        tracing::debug!("{}: not announced: {why:?}", subject.gid);
        if matches!(why, Stale::Announced(_)) {
            reconcile(ctx, held)?;
        }
        return Ok(None);
    }
    let landing = finish_announced(ctx, held)?;
    Ok(landing.filter(|l| l.new == new))
}

/// What lands, for the message and the record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub gid: &'a str,
    pub title: &'a str,
    pub attempt: Option<u32>,
}

/// The second half of a landing, also after a kill: idempotent from the recorded intent. `from` is
/// where [`super::settle::settle`] saw the ref; the first landing makes it.
pub(super) fn complete(
    ctx: &Context<'_>,
    _held: &Held<Integ>,
    gid: &str,
    attempt: Option<u32>,
    intent: &MergeStarted,
    from: Option<Oid>,
) -> Result<Landing> {
    let name = ctx.session.integ_ref();
    if from != Some(intent.new) {
        ctx.refuse_checked_out(&name)?;
        let message = format!("otto: land {gid}");
        let expect = Expect::from_option(from);
        if let Err(found) = ctx.ws.move_ref(&name, expect, Some(intent.new), &message)? {
            return Err(moved_by_hand(ctx, intent.old, found));
        }
    }
    let landed = read_back(ctx, intent)?;
    let event = MergeLanded {
        old: landed.old,
        new: landed.new,
        tested_commit: landed.tested_commit,
        tree: landed.tree,
        head: intent.head,
        boot: crate::process::boot_id(),
    };
    ctx.append(Entry { attempt, ..Entry::group(gid, event) })?;
    anchor(ctx)?;
    forget_candidate(ctx, gid)?;
    Ok(landed)
}

/// Trusts nothing that was returned: the ref is read again, and its commit must have the tested
/// tree and parents.
fn read_back(ctx: &Context<'_>, intent: &MergeStarted) -> Result<Landing> {
    let repo = &ctx.ws.repo;
    let at = repo.read_ref(&ctx.session.integ_ref())?;
    let commit = repo.commit(intent.new)?;
    let tested = repo.commit(intent.tested_commit)?;
    let same = at == Some(intent.new)
        && commit.tree == intent.tree
        && commit.tree == tested.tree
        && commit.parents == tested.parents;
    if !same {
        return Err(Error::bug(format!(
            "the integration ref does not hold what was tested: {} against {}",
            at.map_or("nothing".into(), |o| o.to_string()),
            intent.new
        ))
        .hint("nothing more will land in this session; otto verify shows what differs"));
    }
    Ok(Landing {
        old: intent.old,
        new: intent.new,
        tested_commit: intent.tested_commit,
        tree: intent.tree,
    })
}

/// A candidate is only kept while it is under test; the landing has its parents.
fn forget_candidate(ctx: &Context<'_>, gid: &str) -> Result<()> {
    let held = ctx.ws.refs_lock()?;
    ctx.ws.repo.forget_ref(&held, &refs::candidate(&ctx.session.id, gid), "otto: landed")
}

pub(super) fn moved_by_hand(ctx: &Context<'_>, recorded: Oid, found: Option<Oid>) -> Error {
    let name = ctx.session.integ_ref();
    Error::person(format!(
        "'{name}' was moved by somebody: recorded {}, found {}",
        recorded.short(),
        found.map_or("nothing".into(), |f| f.short())
    ))
    .hint(format!(
        "keep what is there: otto merge --session {sid} --adopt\n      or put it back: git update-ref {name} {recorded}",
        sid = ctx.session.id,
    ))
}

fn message(ctx: &Context<'_>, subject: &Subject<'_>, tested: &Tested) -> String {
    let mut text = format!(
        "land {}: {}\n\nChecked on this tree:\n",
        subject.gid,
        crate::base::text::one_line(subject.title, 60)
    );
    for ran in &tested.checks {
        let tests = ran.outcome.tests().map_or(String::new(), |t| format!(" ({t})"));
        text.push_str(&format!("- {}: {}{tests}\n", ran.check, ran.outcome.status().word()));
    }
    if tested.checks.is_empty() {
        text.push_str("- nothing\n");
    }
    text.push_str(&format!("\nOtto-Session: {}\nOtto-Group: {}\n", ctx.sid(), subject.gid));
    if let Some(attempt) = subject.attempt {
        text.push_str(&format!("Otto-Attempt: {attempt}\n"));
    }
    text.push_str(&format!("Otto-Spec: sha256:{}\n", ctx.spec_sha256()));
    text.push_str(&format!("Otto-Evidence: sha256:{}\n", ctx.session.position().head));
    text
}

/// Writes the chain's head into `refs/otto/head/<sid>`, so that a rewritten journal is noticed.
/// Synced first: a journal that ends before what its anchor names counts as cut.
pub fn anchor(ctx: &Context<'_>) -> Result<()> {
    ctx.session.with_state(|_| ())?;
    let position = ctx.session.position();
    ctx.session.sync()?;
    let note = json!({"session": ctx.sid(), "seq": position.seq, "hash": position.head});
    let blob = ctx.ws.repo.write_blob(note.to_string().as_bytes())?;
    // A ref that outlives its object breaks every reader of the repository.
    ctx.sync_objects()?;
    let name = refs::head(&ctx.session.id);
    let _unconditional =
        ctx.ws.move_ref(&name, Expect::Whatever, Some(blob), "otto: chain head")?;
    Ok(())
}
