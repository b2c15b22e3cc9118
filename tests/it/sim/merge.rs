//! The queue: every decision is the product's own, what it does is done to the world.

use std::collections::{BTreeMap, BTreeSet};

use otto::git::Oid;
use otto::session::event::*;
use otto::session::journal::Entry;
use otto::session::state::Phase;
use otto::stage::build::Again;
use otto::stage::build::schedule::ready;
use otto::stage::merge::may_land::{may_land, still};
use otto::stage::merge::queue::{Next, back_or_up, eligible, to_call};
use otto::stage::merge::settle::{Branch, Settle, branch, settle};

use super::build::{Stop, build_all, build_group, take_in_manual_work};
use super::case::Mutant;
use super::exec::tick;
use super::world::{Held, INTEG, P, Who, build_ref};

/// As `stage::merge::Repair`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    Call,
    LeaveToBuilder,
    Report,
}

const BACK_LIMIT: u32 = 2;

pub struct Queue {
    pub held: Held,
    left: BTreeMap<String, Oid>,
    called: BTreeSet<(String, u32)>,
    /// A branch that somebody moved.
    by_hand: bool,
}

impl Queue {
    pub async fn take(p: &P) -> Result<Self, Stop> {
        let held = p.try_lock("queue").ok_or(Stop::Later)?;
        reconcile(p, &held).await?;
        Ok(Self { held, left: BTreeMap::new(), called: BTreeSet::new(), by_hand: false })
    }

    pub async fn drain(&mut self, p: &P, repair: Repair) -> Result<(), Stop> {
        take_in_manual_work(p).await;
        loop {
            tick().await;
            let Some(gid) = self.next(p) else {
                if repair == Repair::Call && self.call_builders(p).await {
                    continue;
                }
                return Ok(());
            };
            self.one(p, &gid, repair).await?;
        }
    }

    fn next(&self, p: &P) -> Option<String> {
        let w = p.w();
        let wrong = w.is(Mutant::LandsAborted).then(|| {
            let mut state = w.state.clone();
            state.run = Default::default();
            state
        });
        let state = wrong.as_ref().unwrap_or(&w.state);
        let mut all: Vec<String> =
            eligible(&w.spec, state).into_iter().map(str::to_owned).collect();
        if w.is(Mutant::NoDeps) {
            let passing =
                |g: &&otto::spec::Group| matches!(state.phase(&g.id), Phase::Passing { .. });
            all = w.spec.groups.iter().rev().filter(passing).map(|g| g.id.clone()).collect();
        }
        all.into_iter().find(|gid| match (w.state.phase(gid), self.left.get(gid)) {
            (Phase::Passing { commit, .. }, Some(left)) => *left != commit,
            (_, _) => true,
        })
    }

    async fn call_builders(&mut self, p: &P) -> bool {
        let mut any = false;
        for gid in p.groups() {
            let sent = {
                let w = p.w();
                to_call(&w.spec, &w.state).into_iter().find(|(g, ..)| *g == gid).map(|s| s.1)
            };
            let Some(times) = sent else { continue };
            if self.called.insert((gid.clone(), times)) {
                let name = gid.clone();
                let pid = p.start(|p| async move {
                    build_group(&p, &name, Again::No).await.map_or_else(Stop::exit, |()| 0)
                });
                any |= wait(p, pid).await < 70;
            }
        }
        any
    }

    async fn one(&mut self, p: &P, gid: &str, repair: Repair) -> Result<(), Stop> {
        let Phase::Passing { commit: head, .. } = p.w().state.phase(gid) else { return Ok(()) };
        let name = build_ref(gid);
        let (found, step) = {
            let w = p.w();
            let found = w.git.read(&name);
            let group = w.group(gid);
            (found, branch(&group, head, found, Some(&w.boot), |id| w.git.has(id)))
        };
        match step {
            Branch::Agrees => {}
            Branch::Restore { from } => {
                tick().await;
                let _somebody_made_it = p.w().cas(Who::Otto, &name, from, Some(head));
            }
            Branch::MovedByHand { .. } => {
                let _theirs = found;
                self.left.insert(gid.into(), head);
                self.by_hand = true;
                return Ok(());
            }
        }
        let tip = p.w().tip();
        tick().await;
        if p.w().git.is_ancestor(head, tip) {
            return redundant(p, gid, head, tip).await;
        }
        p.takes(6).await;
        let merged = p.w().git.merge(tip, head);
        let Some(tree) = merged else {
            tick().await;
            let conflict = MergeConflict { tip, head, conflicts: Vec::new() };
            note(p, gid, head, Entry::group(gid, conflict));
            return self.sent(p, gid, head, Invalid::Conflict, repair).await;
        };
        if tree == p.w().git.tree_of(tip) {
            return redundant(p, gid, head, tip).await;
        }
        let candidate = p.w().git.write(tree, &[tip, head], format!("candidate {gid}"));
        tick().await;
        p.append(Entry::group(gid, CandidateBuilt { tip, head, commit: candidate, tree }));
        p.takes(12).await;
        let green = {
            let mut w = p.w();
            w.check(tree, gid) || w.is(Mutant::LandsRed)
        };
        tick().await;
        if !green {
            note(p, gid, head, Entry::group(gid, MergeRefused { tip, head, reason: "red".into() }));
            return self.sent(p, gid, head, Invalid::RedCandidate, repair).await;
        }
        land(p, &self.held, gid, tip, head, candidate).await
    }

    async fn sent(
        &mut self,
        p: &P,
        gid: &str,
        head: Oid,
        reason: Invalid,
        repair: Repair,
    ) -> Result<(), Stop> {
        tick().await;
        if repair == Repair::Report {
            self.left.insert(gid.into(), head);
            return Ok(());
        }
        let mut w = p.w();
        if still(&w.state, gid, head).is_ok() {
            let entry = match back_or_up(&w.state, gid, BACK_LIMIT) {
                Next::GiveUp(_) => Entry::group(gid, GroupFailed { reason: "sent back".into() }),
                Next::Back => {
                    let brief = "sent back".into();
                    Entry::group(gid, GroupInvalidated { reason, brief, judge_first: false })
                }
            };
            w.append(vec![entry]);
        }
        Ok(())
    }
}

async fn redundant(p: &P, gid: &str, head: Oid, held_by: Oid) -> Result<(), Stop> {
    tick().await;
    note(p, gid, head, Entry::group(gid, MergeRedundant { head, held_by }));
    Ok(())
}

fn note(p: &P, gid: &str, head: Oid, entry: Entry) {
    let mut w = p.w();
    if still(&w.state, gid, head).is_ok() || w.is(Mutant::OldNews) {
        w.append(vec![entry]);
    }
}

async fn land(
    p: &P,
    held: &Held,
    gid: &str,
    tip: Oid,
    head: Oid,
    candidate: Oid,
) -> Result<(), Stop> {
    let commit = p.w().git.commit(candidate).clone();
    let mut tree = commit.tree;
    if p.w().is(Mutant::OtherTree) {
        tree = p.w().git.tree_of(head);
    }
    let tag = {
        let mut w = p.w();
        w.clock += 1;
        format!("land {gid} {}", w.clock)
    };
    let new = p.w().git.write(tree, &commit.parents, tag);
    tick().await;
    if !p.w().is(Mutant::NoSync) {
        p.w().git.sync();
    }
    tick().await;
    {
        let mut w = p.w();
        let ask = may_land(&w.spec, &w.state, gid, tip, head);
        let blind = w.is(Mutant::NoRecheck) || w.is(Mutant::NoDeps) || w.is(Mutant::LandsAborted);
        if ask.is_err() && !blind {
            return Ok(());
        }
        let boot = Some(w.boot.clone());
        let intent = MergeStarted { old: tip, new, tested_commit: candidate, tree, head, boot };
        let attempt = w.group(gid).last_attempt().map(|a| a.number);
        w.append(vec![Entry { attempt, ..Entry::group(gid, intent) }]);
    }
    tick().await;
    act(p, held).await.map(drop)
}

/// One step of settling the ref with the journal; true when they agree.
async fn act(p: &P, _held: &Held) -> Result<bool, Stop> {
    let (step, open) = {
        let w = p.w();
        let found = w.git.read(INTEG);
        let mut step = settle(&w.state, w.base, found, Some(&w.boot), |id| w.git.has(id));
        if w.is(Mutant::OverPerson)
            && let Settle::MovedByHand { recorded, found } = step
        {
            step = Settle::Restore { from: found, to: recorded };
        }
        if w.is(Mutant::NoCas)
            && let (Settle::MovedByHand { found, .. }, Some(_)) = (step, &w.state.open_landing)
        {
            step = Settle::Complete { from: found };
        }
        if w.is(Mutant::LandsAgain)
            && let Settle::Complete { from: Some(from) } = step
            && w.state.open_landing.as_ref().is_some_and(|o| o.intent.new == from)
        {
            step = Settle::Refuse;
        }
        (step, w.state.open_landing.clone())
    };
    tick().await;
    match (step, open) {
        (Settle::Agrees(_), _) => return Ok(true),
        (Settle::Complete { from }, Some(open)) => {
            let intent = &open.intent;
            if from != Some(intent.new) {
                let from = if p.w().is(Mutant::NoCas) { p.w().git.read(INTEG) } else { from };
                let moved = p.w().cas(Who::Otto, INTEG, from, Some(intent.new));
                moved.map_err(|_| Stop::Person)?;
                tick().await;
            }
            let at = p.w().git.read(INTEG);
            if at != Some(intent.new) {
                // Read back: somebody was faster.
                return Err(Stop::Person);
            }
            let landed = MergeLanded {
                old: intent.old,
                new: intent.new,
                tested_commit: intent.tested_commit,
                tree: intent.tree,
                head: intent.head,
                boot: Some(p.w().boot.clone()),
            };
            p.append(Entry { attempt: open.attempt, ..Entry::group(&open.group, landed) });
        }
        (Settle::Refuse, Some(open)) => {
            let reason = "taken back".into();
            let (tip, head) = (open.intent.old, open.intent.head);
            p.append(Entry::group(&open.group, MergeRefused { tip, head, reason }));
        }
        (Settle::Restore { from, to }, _) => {
            let moved = p.w().cas(Who::Otto, INTEG, from, Some(to));
            moved.map_err(|_| Stop::Person)?;
        }
        (Settle::MovedByHand { .. }, _) => return Err(Stop::Person),
        (Settle::Complete { .. } | Settle::Refuse, None) => {}
    }
    Ok(false)
}

pub async fn reconcile(p: &P, held: &Held) -> Result<(), Stop> {
    for _ in 0..4 {
        if act(p, held).await? {
            return Ok(());
        }
    }
    p.w().broke("the ref and the journal do not come to agree".into());
    Err(Stop::No)
}

pub async fn wait(p: &P, pid: u32) -> i32 {
    loop {
        if let Some(exit) = p.has_ended(pid) {
            return exit;
        }
        tick().await;
    }
}

/// `otto merge`, beside the builder `beside`.
pub async fn merge(p: P, beside: u32) -> i32 {
    let mut queue = match Queue::take(&p).await {
        Ok(queue) => queue,
        Err(stop) => return stop.exit(),
    };
    let done = async {
        while p.has_ended(beside).is_none() {
            queue.drain(&p, Repair::LeaveToBuilder).await?;
            tick().await;
        }
        loop {
            queue.drain(&p, Repair::Call).await?;
            let (idle, before) = {
                let w = p.w();
                (ready(&w.spec, &w.state).is_empty(), attempts(&p, &w))
            };
            if idle {
                return Ok(());
            }
            let pid = p.start(build_all);
            wait(&p, pid).await;
            let now = {
                let w = p.w();
                attempts(&p, &w)
            };
            if now == before {
                return Ok(());
            }
        }
    };
    match done.await {
        Err(stop) => Stop::exit(stop),
        Ok(()) if queue.by_hand => 77,
        Ok(()) => 0,
    }
}

fn attempts(_p: &P, w: &super::world::World) -> usize {
    w.state.groups.values().map(|g| g.attempts.len()).sum()
}
