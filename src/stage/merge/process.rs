//! One group through the queue, and the queue until it is empty.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::candidate::{Built, Candidate, build};
use super::landing::{Landing, Subject, Tested, land};
use super::may_land::{by_this_spec, still};
use super::queue::{eligible, features_are_in, to_call};
use super::reconcile::reconcile;
use super::send_back::{Sent, call_all_builders, call_builder, send_back};
use super::settle::{Branch, branch};
use crate::base::{Error, Exit, Remedy, Result};
use crate::check::batch::Ran;
use crate::disk::Held;
use crate::disk::lock::{self, Integ};
use crate::git::{Conflict, Expect, Oid};
use crate::process::stop;
use crate::session::event::{CheckPhase, Invalid, MergeConflict, MergeRedundant, MergeRefused};
use crate::session::journal::Entry;
use crate::session::state::{Phase, State};
use crate::spec::{Check, Group, Purpose};
use crate::stage::build::schedule::ready;
use crate::stage::build::{
    Commit, late_work, output_of, quoted, run_checks, take_in_manual_work, violations,
};
use crate::stage::{Context, Item};

/// What happens to a group that cannot land as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// Its builder is called again, here and now.
    Call,
    /// It is sent back, and whoever builds this session picks it up.
    LeaveToBuilder,
    /// It is only reported.
    Report,
}

/// What one pass through the queue did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    Landed(Landing),
    Redundant {
        held_by: Oid,
    },
    SentBack(String),
    Failed(String),
    /// It cannot land as it is, and that was only to be reported.
    Reported(String),
    /// A person has to decide.
    Waits(String),
    /// It changed while it was being tested; the queue looks at it again.
    Overtaken,
}

/// The queue of one session, held by one process at a time.
#[derive(Debug)]
pub struct Queue {
    held: Held<Integ>,
    /// Heads that were looked at and cannot land as they are, until the group has another one.
    left: RefCell<BTreeMap<String, Left>>,
    /// Builders that were called, by group and number of times it was sent back.
    called: RefCell<BTreeSet<(String, u32)>>,
    /// Why a builder that was called could not work.
    builder: RefCell<Option<Error>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Only reported, as was asked.
    Reported(Oid),
    /// Its branch is not where the journal says; a person decides.
    MovedByHand(Oid),
}

impl Left {
    fn head(self) -> Oid {
        match self {
            Left::Reported(head) | Left::MovedByHand(head) => head,
        }
    }
}

impl Queue {
    /// Takes the queue, or leaves with 75 naming who has it.
    pub fn take(ctx: &Context<'_>) -> Result<Self> {
        let path = ctx.ws.layout.queue_lock(&ctx.session.id);
        let held = lock::try_hold::<Integ>(&path)?.map_err(lock::Busy::into_error)?;
        reconcile(ctx, &held)?;
        Ok(Self {
            held,
            left: RefCell::default(),
            called: RefCell::default(),
            builder: RefCell::default(),
        })
    }

    pub fn held(&self) -> &Held<Integ> {
        &self.held
    }

    /// Judges what people committed to build branches, then lands everything that is eligible.
    /// Returns how many groups it handled.
    pub fn drain(&self, ctx: &Context<'_>, repair: Repair) -> Result<usize> {
        take_in_manual_work(&*ctx.now()?)?;
        self.land_eligible(ctx, repair)
    }

    /// Lands everything that is eligible by the journal; it looks at no branch of any other group,
    /// so its cost does not grow with them. Returns how many groups it handled.
    pub fn land_eligible(&self, ctx: &Context<'_>, repair: Repair) -> Result<usize> {
        let mut handled = 0;
        loop {
            stop::check()?;
            let now = ctx.now()?;
            let ctx = &*now;
            let Some(gid) = self.next(ctx)? else {
                if repair == Repair::Call && self.call_builders(ctx)? {
                    continue;
                }
                return Ok(handled);
            };
            let group = ctx.group(&gid)?;
            let merged = self.one(ctx, group, &ctx.state()?, repair)?;
            report(ctx, group, &merged);
            handled += 1;
        }
    }

    /// The next group that may land and was not left with this very head.
    fn next(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let left = self.left.borrow();
        ctx.session.with_state(|s| {
            eligible(&ctx.spec, s)
                .into_iter()
                .find(|gid| match (s.phase(gid), left.get(*gid)) {
                    (Phase::Passing { commit, .. }, Some(left)) => left.head() != commit,
                    (_, _) => true,
                })
                .map(str::to_owned)
        })
    }

    /// Calls the builder of every group that was sent back, once each time it was. True if there
    /// was one to call.
    fn call_builders(&self, ctx: &Context<'_>) -> Result<bool> {
        let mut any = false;
        for group in &ctx.spec.groups {
            let sent = ctx.session.with_state(|s| {
                to_call(&ctx.spec, s).into_iter().find(|(gid, ..)| *gid == group.id)
            })?;
            let Some((_, times, brief)) = sent else { continue };
            if self.called.borrow_mut().insert((group.id.clone(), times)) {
                match call_builder(ctx, group, &brief) {
                    // How it ended is read from the journal.
                    Ok(_) => any = true,
                    Err(e) if matches!(e.remedy, Remedy::Interrupted { .. }) => return Err(e),
                    Err(e) => {
                        self.builder.borrow_mut().get_or_insert(e);
                    }
                }
            }
        }
        Ok(any)
    }

    /// What the groups' states amount to; an error where somebody or something has to be waited for.
    /// With `only`, of that group alone.
    pub fn exit(&self, ctx: &Context<'_>, only: Option<&str>) -> Result<Exit> {
        let now = ctx.now()?;
        let ctx = &*now;
        let out: Vec<String> = ctx.session.with_state(|s| {
            let asked = ctx.spec.groups.iter().filter(|g| only.is_none_or(|o| o == g.id));
            asked
                .filter(|g| !s.phase(&g.id).is_in())
                .map(|g| format!("{} ({})", g.id, s.phase(&g.id).word()))
                .collect()
        })?;
        let all_in = out.is_empty();
        if let Some((gid, head)) = late_work(ctx)?.into_iter().next() {
            let name = ctx.build_ref(&gid);
            return Err(Error::person(format!(
                "'{name}' has a commit by hand ({}), and the work of '{gid}' is in the product already",
                head.short()
            ))
            .hint(format!(
                "merge it into {integ} yourself and run: otto merge --session {sid} --adopt   or put the branch back",
                integ = ctx.session.integ_ref().trim_start_matches("refs/heads/"),
                sid = ctx.sid()
            )));
        }
        if all_in {
            return Ok(Exit::YES);
        }
        if let Some(e) = self.builder.take() {
            return Err(e);
        }
        for (gid, left) in self.left.borrow().iter() {
            if let Left::MovedByHand(head) = left {
                let name = ctx.build_ref(gid);
                return Err(Error::person(format!("'{name}' was moved by somebody")).hint(format!(
                    "put it back: git update-ref {name} {head}\n      or build it again: otto build-group --session {} --group {gid} --again",
                    ctx.sid()
                )));
            }
        }
        ctx.report.say(&format!("not in yet: {}", out.join(", ")));
        Ok(Exit::NO)
    }

    /// Builds groups that can start now and could not before. True if an attempt was made.
    pub fn build_what_became_ready(&self, ctx: &Context<'_>) -> Result<bool> {
        let attempts = |s: &State| s.groups.values().map(|g| g.attempts.len()).sum::<usize>();
        let spec = &ctx.now()?.spec;
        let (idle, before) =
            ctx.session.with_state(|s| (ready(spec, s).is_empty(), attempts(s)))?;
        if idle {
            return Ok(false);
        }
        if let Err(e) = call_all_builders(ctx) {
            if matches!(e.remedy, Remedy::Interrupted { .. }) {
                return Err(e);
            }
            self.builder.borrow_mut().get_or_insert(e);
        }
        Ok(ctx.session.with_state(attempts)? > before)
    }

    /// The branch must be where the journal says. A missing one is made again; one that somebody
    /// moved is theirs to decide about.
    fn branch_agrees(&self, ctx: &Context<'_>, group: &Group, head: Oid) -> Result<Option<String>> {
        let name = ctx.build_ref(&group.id);
        let found = ctx.ws.read_own_ref(&name)?;
        let now = ctx.session.with_state(|s| s.group(&group.id).cloned().unwrap_or_default())?;
        let boot = crate::process::boot_id();
        match branch(&now, head, found, boot.as_deref(), |id| ctx.ws.repo.has_object(id)) {
            Branch::Agrees => Ok(None),
            Branch::Restore { from } => {
                ctx.refuse_checked_out(&name)?;
                let expect = Expect::from_option(from);
                let _somebody_made_it =
                    ctx.ws.move_ref(&name, expect, Some(head), "otto: restored")?;
                Ok(None)
            }
            Branch::MovedByHand { found } => {
                self.left.borrow_mut().insert(group.id.clone(), Left::MovedByHand(head));
                Ok(Some(format!(
                    "'{name}' was moved by somebody: recorded {}, found {}; put it back: git update-ref {name} {head}   or build it again: otto build-group --session {} --group {} --again",
                    head.short(),
                    found.map_or("nothing".into(), |f| f.short()),
                    ctx.sid(),
                    group.id
                )))
            }
        }
    }

    fn one(
        &self,
        ctx: &Context<'_>,
        group: &Group,
        state: &State,
        repair: Repair,
    ) -> Result<Merged> {
        let Phase::Passing { commit: head, .. } = state.phase(&group.id) else {
            return Err(Error::bug(format!("group '{}' is not passing", group.id)));
        };
        if let Some(why) = self.branch_agrees(ctx, group, head)? {
            return Ok(Merged::Waits(why));
        }
        let tip = state.tip().unwrap_or(ctx.base());
        let attempt = state.group(&group.id).and_then(|g| g.last_attempt()).map(|a| a.number);
        let clock = Instant::now();
        let built = build(ctx, &group.id, tip, head)?;
        let merged = clock.elapsed();
        match built {
            Built::Redundant { held_by } => {
                let event = MergeRedundant { head, held_by };
                let done = note(ctx, group, head, Entry::group(&group.id, event))?;
                Ok(if done { Merged::Redundant { held_by } } else { Merged::Overtaken })
            }
            Built::Conflict(conflicts) => {
                self.conflict(ctx, group, state, (tip, head), conflicts, repair)
            }
            Built::Candidate(candidate) => match test(ctx, group, state, candidate, attempt)? {
                Ok(tested) => {
                    let repaired = state.group(&group.id).is_some_and(|g| g.repair.is_some());
                    let title =
                        format!("{}{}", group.title, if repaired { " (repaired)" } else { "" });
                    let subject = Subject { gid: &group.id, title: &title, attempt };
                    let clock = Instant::now();
                    let landed = land(ctx, &self.held, &subject, tested)?;
                    // For `make bench`: what a landing costs besides its checks.
                    let ms = |d: std::time::Duration| d.as_secs_f64() * 1e3;
                    let (merge, land) = (ms(merged), ms(clock.elapsed()));
                    tracing::debug!(
                        "{}: merged in {merge:.3} ms, landed in {land:.3} ms",
                        group.id
                    );
                    Ok(landed.map_or(Merged::Overtaken, Merged::Landed))
                }
                Err(reason) => {
                    let event = MergeRefused { tip, head, reason: reason.short.clone() };
                    if !note(ctx, group, head, Entry::group(&group.id, event))? {
                        return Ok(Merged::Overtaken);
                    }
                    self.sent(ctx, group, reason.why, &reason.short, reason.brief, (head, repair))
                }
            },
        }
    }

    fn conflict(
        &self,
        ctx: &Context<'_>,
        group: &Group,
        state: &State,
        (tip, head): (Oid, Oid),
        conflicts: Vec<Conflict>,
        repair: Repair,
    ) -> Result<Merged> {
        save_conflicts(ctx, group, state, &conflicts)?;
        let paths: Vec<&str> = conflicts.iter().map(|c| c.path.as_str()).collect();
        let short = format!("conflict in {}", paths.join(", "));
        let mut brief = String::from("Your work and what landed since change the same places:\n");
        for c in &conflicts {
            brief.push_str(&format!("- {}: {}\n", c.path, c.reason));
        }
        brief.push_str("Start from the product as it is now and do your part on top of it.\n");
        let event = MergeConflict { tip, head, conflicts };
        if !note(ctx, group, head, Entry::group(&group.id, event))? {
            return Ok(Merged::Overtaken);
        }
        self.sent(ctx, group, Invalid::Conflict, &short, brief, (head, repair))
    }

    fn sent(
        &self,
        ctx: &Context<'_>,
        group: &Group,
        why: Invalid,
        short: &str,
        brief: String,
        (head, repair): (Oid, Repair),
    ) -> Result<Merged> {
        if repair == Repair::Report {
            self.left.borrow_mut().insert(group.id.clone(), Left::Reported(head));
            return Ok(Merged::Reported(short.to_owned()));
        }
        Ok(match send_back(ctx, group, head, why, short, brief)? {
            Sent::Overtaken => Merged::Overtaken,
            Sent::Back => Merged::SentBack(short.to_owned()),
            Sent::GivenUp(reason) => Merged::Failed(reason),
        })
    }
}

/// Records what was found out about a head; false, and nothing, when the group has moved on: what
/// is said about work that is no more must not end the work that came after it.
fn note(ctx: &Context<'_>, group: &Group, head: Oid, entry: Entry) -> Result<bool> {
    let written = ctx.session.append_with(ctx.ws, |s| {
        let holds = by_this_spec(s, ctx.spec_sha256()).and_then(|()| still(s, &group.id, head));
        Ok(holds.map_or_else(|_| Vec::new(), |()| vec![entry]))
    })?;
    Ok(!written.is_empty())
}

/// Why a candidate may not land.
struct Refusal {
    why: Invalid,
    short: String,
    brief: String,
}

/// The group's checks and those across groups, at the candidate's own commit; and what it changes
/// must be the group's to change, merged or not.
fn test(
    ctx: &Context<'_>,
    group: &Group,
    state: &State,
    candidate: Candidate,
    attempt: Option<u32>,
) -> Result<std::result::Result<Tested, Refusal>> {
    let repo = &ctx.ws.repo;
    let changes = repo.changes(repo.tree_of(candidate.tip)?, candidate.tree)?;
    let foreign = violations(ctx, group, repo.tree_of(candidate.tip)?, &changes)?;
    if let Some(first) = foreign.first() {
        let mut brief = String::from(
            "Merged with what has landed since, your work changes what you may not change. Undo these changes:\n",
        );
        brief.extend(foreign.iter().map(|v| format!("- {}: {}\n", v.path, v.why)));
        return Ok(Err(Refusal {
            why: Invalid::Violation,
            short: format!("it changes {}: {}", first.path, first.why),
            brief,
        }));
    }
    let across = ctx.spec.cross_group_checks.iter().filter(|c| match c.purpose {
        Purpose::Regression => true,
        Purpose::Acceptance => features_are_in(&ctx.spec, state, &c.features, &group.id),
    });
    let repaired = reproductions(ctx, group, state)?;
    let checks: Vec<&Check> = group.checks.iter().chain(across).chain(&repaired).collect();
    let at = Commit {
        group,
        attempt: attempt.unwrap_or(0),
        phase: CheckPhase::Candidate,
        commit: candidate.commit,
        base: candidate.tip,
        changes: &changes,
    };
    let ran = run_checks(ctx, at, &checks)?;
    Ok(Tested::new(candidate, ran).map_err(|red| refusal(ctx, &red)))
}

/// A repaired group lands only when what it was repaired for is green.
fn reproductions(ctx: &Context<'_>, group: &Group, state: &State) -> Result<Vec<Check>> {
    match state.group(&group.id).and_then(|g| g.repair.clone()) {
        None => Ok(Vec::new()),
        Some(key) => crate::stage::repair::reproductions(ctx, &key),
    }
}

fn refusal(ctx: &Context<'_>, red: &[Ran]) -> Refusal {
    let mut brief = String::from(
        "Your part passes alone and not together with what has landed since. On the merged product:\n",
    );
    for ran in red {
        brief.push_str(&format!(
            "\n- {}: {} ({}): {}\n",
            ran.check,
            ran.outcome.status().word(),
            ran.outcome.reason(),
            ran.outcome.detail()
        ));
        brief.push_str(&quoted(&crate::base::text::tail(&output_of(ctx, ran), 4000)));
    }
    let names: Vec<&str> = red.iter().map(|r| r.check.as_str()).collect();
    let short = format!("not green when merged: {}", names.join(", "));
    Refusal { why: Invalid::RedCandidate, short, brief }
}

/// `conflicts.json` and the three sides of each path, for people.
fn save_conflicts(
    ctx: &Context<'_>,
    group: &Group,
    state: &State,
    conflicts: &[Conflict],
) -> Result<()> {
    let n = state.group(&group.id).map_or(0, |g| g.sent_back) + 1;
    let dir = ctx.session.layout.merge_attempt(&group.id, n);
    crate::disk::replace_json(&dir.join("conflicts.json"), &conflicts)?;
    for conflict in conflicts {
        let sides = [("base", conflict.base), ("ours", conflict.ours), ("theirs", conflict.theirs)];
        for (side, blob) in sides {
            if let Some(blob) = blob {
                // Paths are git's, so they cannot lead out of the folder; a gitlink has no blob.
                if let Ok(bytes) = ctx.ws.repo.blob(blob) {
                    let bytes = ctx.secrets().hide_bytes(&bytes);
                    crate::disk::replace(&dir.join(side).join(&conflict.path), &bytes)?;
                }
            }
        }
    }
    Ok(())
}

fn report(ctx: &Context<'_>, group: &Group, merged: &Merged) {
    let (outcome, old, new, reason) = match merged {
        Merged::Landed(l) => ("landed", Some(l.old), Some(l.new), String::new()),
        Merged::Redundant { held_by } => {
            ("redundant", None, None, format!("{} holds it already", held_by.short()))
        }
        Merged::SentBack(why) => ("sent_back", None, None, why.clone()),
        Merged::Failed(why) => ("failed", None, None, why.clone()),
        Merged::Reported(why) => ("not_landed", None, None, why.clone()),
        Merged::Waits(why) => ("waits", None, None, why.clone()),
        Merged::Overtaken => ("overtaken", None, None, "it changed while it was tested".to_owned()),
    };
    ctx.report.item(&Item::Landing { group: group.id.clone(), outcome, old, new, reason });
}
