//! The builder: every decision is the product's own, what it does is done to the world.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use otto::base::Sha256;
use otto::git::Oid;
use otto::session::event::*;
use otto::session::journal::Entry;
use otto::session::state::{Attempt, Phase};
use otto::stage::build::Again;
use otto::stage::build::base::lacks;
use otto::stage::build::course::{From, Stand, course, stand};
use otto::stage::build::heads::{is_known, is_recorded, recorded_head};
use otto::stage::build::schedule::{Next, blocked, next_attempt, ready};

use super::case::{Fault, Mutant};
use super::exec::tick;
use super::world::{P, SHARED, Who, World, attic_ref, build_ref};

/// Why a group could not be worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    No,
    Later,
    Person,
}

impl Stop {
    pub fn exit(self) -> i32 {
        match self {
            Stop::No => 1,
            Stop::Later => 75,
            Stop::Person => 77,
        }
    }
}

/// Attempts of a round.
pub const LIMIT: u32 = 3;

/// `otto build-group --all`.
pub async fn build_all(p: P) -> i32 {
    const JOBS: usize = 3;
    let running: Rc<RefCell<BTreeSet<String>>> = Rc::default();
    let stopped: Rc<RefCell<Vec<(String, Stop)>>> = Rc::default();
    let mut left_alone: BTreeMap<String, Oid> = BTreeMap::new();
    loop {
        tick().await;
        for (gid, _) in stopped.borrow().iter() {
            let tip = p.w().tip();
            left_alone.entry(gid.clone()).or_insert(tip);
        }
        let now: Vec<String> = {
            let w = p.w();
            let wrong = w.is(Mutant::FailedUnlocks).then(|| {
                let mut state = w.state.clone();
                for group in state.groups.values_mut() {
                    if matches!(group.phase, Phase::Failed { .. }) {
                        std::sync::Arc::make_mut(group).phase = Phase::Landed;
                    }
                }
                state
            });
            let state = wrong.as_ref().unwrap_or(&w.state);
            ready(&w.spec, state).into_iter().map(str::to_owned).collect()
        };
        for gid in now {
            let tip = p.w().tip();
            if running.borrow().len() >= JOBS {
                break;
            }
            if running.borrow().contains(&gid) || left_alone.get(&gid) == Some(&tip) {
                continue;
            }
            left_alone.remove(&gid);
            stopped.borrow_mut().retain(|(g, _)| *g != gid);
            running.borrow_mut().insert(gid.clone());
            let (p, running, stopped) = (p.clone(), running.clone(), stopped.clone());
            p.clone().thread(async move {
                if let Err(stop) = build_group(&p, &gid, Again::No).await {
                    stopped.borrow_mut().push((gid.clone(), stop));
                }
                running.borrow_mut().remove(&gid);
            });
        }
        if running.borrow().is_empty() {
            break;
        }
    }
    tick().await;
    let stuck: Vec<(String, Vec<String>)> = {
        let w = p.w();
        blocked(&w.spec, &w.state).into_iter().map(|(g, by)| (g.to_owned(), by)).collect()
    };
    for (gid, by) in stuck {
        tick().await;
        if p.w().state.phase(&gid) != (Phase::Blocked { by: by.clone() }) {
            p.append(Entry::group(&gid, GroupBlocked { by }));
        }
    }
    stopped.borrow().iter().map(|(_, s)| s.exit()).max().unwrap_or(0)
}

/// `otto build-group --group`.
pub async fn build_group(p: &P, gid: &str, again: Again) -> Result<(), Stop> {
    let _held = p.try_lock(&format!("group.{gid}")).ok_or(Stop::Later)?;
    close_open(p, gid).await;
    let mut again = again;
    loop {
        tick().await;
        if let Some(head) = manual_head(p, gid) {
            judge_manual(p, gid, head).await;
        }
        tick().await;
        let now = p.w().group(gid);
        match stand(&now.phase, std::mem::replace(&mut again, Again::No)) {
            Stand::In | Stand::Failed { .. } | Stand::Passing { .. } => return Ok(()),
            Stand::Aborted { .. } => return Err(Stop::No),
            Stand::BuildAgain => {
                tick().await;
                let event = GroupInvalidated {
                    reason: Invalid::Again,
                    brief: String::new(),
                    judge_first: false,
                };
                p.append(Entry::group(gid, event));
            }
            Stand::Open => {}
        }
        let now = p.w().group(gid);
        let endless = p.w().is(Mutant::NeverGivesUp);
        if let (Next::GiveUp(reason), false) = (next_attempt(&now, LIMIT), endless) {
            tick().await;
            p.append(Entry::group(gid, GroupFailed { reason }));
            return Ok(());
        }
        attempt(p, gid).await?;
    }
}

fn base_of(p: &P, gid: &str) -> Result<(Oid, BTreeMap<String, Oid>), Stop> {
    let mut w = p.w();
    let spec = w.spec.clone();
    let group = spec.group(gid).expect("a group of the spec");
    let mut commit = w.tip();
    let mut dep_heads = BTreeMap::new();
    for dep in spec.groups.iter().filter(|g| needs(&spec, gid, &g.id)) {
        let Phase::Passing { commit: head, .. } = w.state.phase(&dep.id) else {
            if lacks(group, &w.state, &dep.id) && !w.is(Mutant::FailedUnlocks) {
                return Err(Stop::No);
            }
            continue;
        };
        dep_heads.insert(dep.id.clone(), head);
        if !w.git.is_ancestor(head, commit) {
            let tree = w.git.merge(commit, head).ok_or(Stop::No)?;
            commit = w.git.write(tree, &[commit, head], "base".into());
        }
    }
    Ok((commit, dep_heads))
}

fn needs(spec: &otto::spec::Spec, gid: &str, other: &str) -> bool {
    let deps = spec.group(gid).map(|g| g.deps.as_slice()).unwrap_or_default();
    deps.iter().any(|d| d == other || needs(spec, d, other))
}

async fn attempt(p: &P, gid: &str) -> Result<(), Stop> {
    let now = p.w().group(gid);
    let next = course(&now);
    let (base, dep_heads, start) = match next.from {
        From::LastAttempt { base, dep_heads, start } => (base, dep_heads, start),
        From::Base { earlier } => {
            let (base, dep_heads) = base_of(p, gid)?;
            let start = first_start(p, base, earlier);
            tick().await;
            p.w().git.sync();
            (base, dep_heads, start)
        }
    };
    tick().await;
    let started = AttemptStarted {
        role: next.role.word().into(),
        base,
        dep_heads,
        start,
        provider: "command".into(),
        model: None,
        spec: Sha256::ZERO,
    };
    p.append(Entry::attempt(gid, next.number, started));
    let open = p.w().group(gid).open_attempt().cloned();
    let Some(open) = open else { return Err(Stop::No) };
    tick().await;
    let key = (gid.to_owned(), next.number);
    let files = {
        let w = p.w();
        w.git.files(w.git.tree_of(start)).clone()
    };
    p.w().slots.insert(key.clone(), files);
    tick().await;
    let turn = work(p, gid, &key, next.role == otto::session::config::Role::Merge).await;
    settle(p, gid, &open, Some(turn)).await
}

fn first_start(p: &P, base: Oid, earlier: Option<Oid>) -> Oid {
    let mut w = p.w();
    let Some(earlier) = earlier else { return base };
    if w.git.is_ancestor(earlier, base) {
        return base;
    }
    match w.git.merge(base, earlier) {
        Some(tree) => w.git.write(tree, &[base, earlier], "start".into()),
        None => base,
    }
}

/// How an agent's turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Done,
    Waits,
}

async fn work(p: &P, gid: &str, key: &(String, u32), resolves: bool) -> Turn {
    let path = World::path(gid);
    p.takes(10).await;
    if p.w().fault(Fault::Agent, 8) {
        return Turn::Waits;
    }
    let idle = p.w().fault(Fault::Agent, 10);
    if !idle {
        let bad = p.w().fault(Fault::Agent, 6);
        let fresh = p.w().rng.below(10_000) as u32 * 8;
        let clash = p.w().fault(Fault::Clash, 3);
        // One in two works with every neighbour; all do when failures have stopped.
        let careful = {
            let mut w = p.w();
            w.faults_left == 0 || w.rng.one_in(2)
        };
        let good = if careful { 1 } else { 2 };
        if let Some(slot) = p.w().slots.get_mut(key) {
            slot.insert(path, fresh + if bad { 0 } else { good });
        }
        tick().await;
        if clash || resolves {
            let shared = p.w().rng.below(1000) as u32 + 5;
            if let Some(slot) = p.w().slots.get_mut(key) {
                slot.insert(SHARED, shared);
            }
        }
    }
    tick().await;
    Turn::Done
}

/// Commit, branch, judgement, record; `None` for what a kill left.
async fn settle(p: &P, gid: &str, open: &Attempt, turn: Option<Turn>) -> Result<(), Stop> {
    let key = (gid.to_owned(), open.number);
    let files = p.w().slots.get(&key).cloned().unwrap_or_default();
    let tree = p.w().git.tree(&files);
    let (base_tree, start_tree) = {
        let w = p.w();
        (w.git.tree_of(open.base), w.git.tree_of(open.start))
    };
    let mut end = AttemptFinished::interrupted();
    end.boot = Some(p.w().boot.clone());
    let mut archived = false;
    if tree == start_tree && turn != Some(Turn::Done) {
        end.outcome = AttemptOutcome::Interrupted;
    } else if tree == base_tree {
        end.outcome = AttemptOutcome::NoChange;
        end.fingerprint = Some(Sha256::of(b"no change"));
    } else if let Some((commit, tree)) = commit_work(p, gid, open, tree).await {
        tick().await;
        let green = p.w().check(tree, gid);
        end.outcome = if green { AttemptOutcome::Passing } else { AttemptOutcome::ChecksFailed };
        end.fingerprint = (!green).then(|| Sha256::of(format!("{files:?}").as_bytes()));
        end.brief = if green { String::new() } else { "red".into() };
        (end.commit, end.tree) = (Some(commit), Some(tree));
    } else {
        archived = true;
    }
    tick().await;
    finish(p, gid, open.number, open.base, end);
    tick().await;
    p.w().slots.remove(&key);
    if archived && manual_head(p, gid).is_none() {
        return Err(Stop::Person);
    }
    if turn == Some(Turn::Waits) {
        return Err(Stop::Later);
    }
    Ok(())
}

fn finish(p: &P, gid: &str, number: u32, base: Oid, end: AttemptFinished) {
    let passing = match (end.outcome, end.commit, end.tree) {
        (AttemptOutcome::Passing, Some(commit), Some(tree)) => {
            Some(Entry::attempt(gid, number, GroupPassing { commit, tree, base }))
        }
        _ => None,
    };
    // Amended meanwhile: it is kept, and is not what is wanted.
    let passing = passing.filter(|_| !p.w().group(gid).overtaken);
    let entries = [Some(Entry::attempt(gid, number, end)), passing];
    p.w().append(entries.into_iter().flatten().collect());
}

/// The commit and its tree; `None` when a person was first and the work is in the attic.
async fn commit_work(p: &P, gid: &str, open: &Attempt, tree: Oid) -> Option<(Oid, Oid)> {
    let name = build_ref(gid);
    let tag = format!("{gid}/{}/{}", open.number, open.started);
    let head = p.w().git.read(&name);
    let mut parents = vec![open.start];
    if let Some(head) = head {
        let found = p.w().git.commit(head).clone();
        if found.tag == tag {
            return Some((head, found.tree));
        }
        let (accounted, recorded) = {
            let w = p.w();
            let group = w.group(gid);
            let accounted = is_recorded(&group, head)
                || w.git.is_ancestor(head, open.start)
                || w.git.is_ancestor(head, w.tip());
            (accounted || w.is(Mutant::OverCommit), recorded_head(&group))
        };
        if !accounted {
            archive(p, gid, open, tree, &tag).await;
            return None;
        }
        let w = p.w();
        for old in [Some(head), recorded].into_iter().flatten() {
            let skip = w.is(Mutant::DropsEarlier) || w.is(Mutant::OverCommit);
            if !parents.contains(&old) && !w.git.is_ancestor(old, open.start) && !skip {
                parents.push(old);
            }
        }
    }
    if p.w().is(Mutant::DropsEarlier) {
        parents = vec![open.base];
    }
    let commit = p.w().git.write(tree, &parents, tag.clone());
    tick().await;
    if !p.w().is(Mutant::NoSync) {
        p.w().git.sync();
    }
    tick().await;
    let moved = p.w().cas(Who::Otto, &name, head, Some(commit));
    match moved {
        Ok(()) => Some((commit, tree)),
        Err(_) => {
            archive(p, gid, open, tree, &tag).await;
            None
        }
    }
}

async fn archive(p: &P, gid: &str, open: &Attempt, tree: Oid, tag: &str) {
    let commit = p.w().git.write(tree, &[open.start], format!("{tag} kept"));
    keep(p, gid, open.number, commit).await;
}

/// As `stage::attic` does it.
pub async fn keep(p: &P, gid: &str, attempt: u32, commit: Oid) {
    let name = attic_ref(gid, attempt);
    let before = p.w().git.read(&name);
    let mut put = commit;
    if let Some(before) = before {
        let (same, holds) = {
            let w = p.w();
            (w.git.tree_of(before) == w.git.tree_of(commit), w.git.is_ancestor(commit, before))
        };
        if same || holds {
            put = before;
        } else {
            let tree = p.w().git.tree_of(commit);
            put = p.w().git.write(tree, &[commit, before], "both".into());
        }
    }
    tick().await;
    p.w().git.sync();
    tick().await;
    let _moved = p.w().cas(Who::Otto, &name, before, Some(put));
    tick().await;
    let kept = if put == commit || p.w().git.is_ancestor(commit, put) { commit } else { put };
    p.append(Entry::group(gid, WorkArchived { name, commit: kept }));
}

/// What a kill left is judged like anything else.
pub async fn close_open(p: &P, gid: &str) {
    let Some(open) = p.w().group(gid).open_attempt().cloned() else { return };
    let there = p.w().slots.contains_key(&(gid.to_owned(), open.number));
    if there && open.role != "manual" {
        let _said = settle(p, gid, &open, None).await;
    } else {
        tick().await;
        p.append(Entry::attempt(gid, open.number, AttemptFinished::interrupted()));
    }
}

/// A head that is no attempt's and not in the product.
pub fn manual_head(p: &P, gid: &str) -> Option<Oid> {
    let w = p.w();
    let head = w.git.read(&build_ref(gid))?;
    (!is_known(&w.state, gid, head) && !w.git.is_ancestor(head, w.tip())).then_some(head)
}

pub async fn judge_manual(p: &P, gid: &str, head: Oid) {
    let number = p.w().group(gid).next_attempt();
    let base = p.w().tip();
    tick().await;
    p.w().git.sync();
    tick().await;
    let started = AttemptStarted {
        role: "manual".into(),
        base,
        dep_heads: BTreeMap::new(),
        start: base,
        provider: "a person".into(),
        model: None,
        spec: Sha256::ZERO,
    };
    p.append(Entry::attempt(gid, number, started));
    tick().await;
    let tree = p.w().git.tree_of(head);
    let green = p.w().check(tree, gid);
    tick().await;
    let mut end = AttemptFinished::interrupted();
    end.outcome = if green { AttemptOutcome::Passing } else { AttemptOutcome::ChecksFailed };
    (end.commit, end.tree) = (Some(head), Some(tree));
    end.boot = Some(p.w().boot.clone());
    let last = match green {
        true => Entry::attempt(gid, number, GroupPassing { commit: head, tree, base }),
        false => Entry::attempt(gid, number, GroupFailed { reason: "by hand, red".into() }),
    };
    p.w().append(vec![Entry::attempt(gid, number, end), last]);
}

pub async fn take_in_manual_work(p: &P) {
    for gid in p.groups() {
        tick().await;
        if manual_head(p, &gid).is_none() {
            continue;
        }
        let Some(_held) = p.try_lock(&format!("group.{gid}")) else { continue };
        close_open(p, &gid).await;
        if let Some(head) = manual_head(p, &gid) {
            judge_manual(p, &gid, head).await;
        }
    }
}
