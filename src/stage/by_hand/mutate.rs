//! The negative control: a check that speaks for a group's work must turn red when the work is taken
//! away. The product without it is made off-tree; the tests and whatever else defines a check stay,
//! because a test that is gone is red for no reason of the product's.

use std::collections::BTreeSet;

use crate::base::{Json, Result};
use crate::check::batch::{Caching, Ran};
use crate::check::{Outcome, Reason};
use crate::git::{Merge, NewCommit, Oid};
use crate::session::event::{CheckMutated, Control};
use crate::session::journal::Entry;
use crate::session::state::{Phase, State};
use crate::spec::{Check, Group, Purpose};
use crate::stage::build::is_test;
use crate::stage::{Context, Item};

/// The product without one group's work.
#[derive(Debug)]
struct Mutant {
    /// What is judged, with the work.
    judged: Oid,
    commit: Oid,
    kept: Vec<String>,
}

/// The checks that a control says something about: those that are evidence for a feature. A regression
/// check is green without the work by its nature.
pub fn wanted(group: &Group) -> impl Iterator<Item = &Check> {
    group.checks.iter().filter(|c| c.purpose == Purpose::Acceptance)
}

/// Runs the control of each of these checks of a group, and records what it showed. True when every
/// one turned red.
pub fn controls(ctx: &Context<'_>, group: &Group, checks: &[&Check]) -> Result<bool> {
    if checks.is_empty() {
        return Ok(true);
    }
    let mutant = match mutant(ctx, group, &ctx.state()?)? {
        Ok(mutant) => mutant,
        Err((judged, why)) => {
            for check in checks {
                note(ctx, group, check, (judged, None), &[], (Control::NotRun, &why), None)?;
            }
            return Ok(false);
        }
    };
    let mut all = true;
    let mut next = checks.iter();
    let left = || ctx.left();
    ctx.bench()?.run(
        checks,
        mutant.commit,
        ctx.base(),
        Caching::Never,
        left,
        &mut |ran: &Ran| {
            let Some(check) = next.next() else { return Ok(()) };
            let (control, why) = read(&ran.outcome);
            all &= control == Control::TurnedRed;
            let at = (Some(mutant.judged), Some(mutant.commit));
            note(ctx, group, check, at, &mutant.kept, (control, &why), Some(&ran.outcome))
        },
    )?;
    Ok(all)
}

/// What an outcome without the work says about a check.
fn read(without: &Outcome) -> (Control, String) {
    if without.is_pass() {
        let why = "it stays green when the work of its group is taken away";
        return (Control::EvidenceOfNothing, why.to_owned());
    }
    // These say something about the machine, and nothing about the work.
    let says_nothing = matches!(
        without.reason(),
        Reason::MissingTool
            | Reason::NotExecutable
            | Reason::PrepareFailed
            | Reason::Sandbox
            | Reason::Interrupted
            | Reason::NoCommit
            | Reason::Killed
            | Reason::Timeout
            | Reason::Flaky
            | Reason::OutputTruncated
    );
    let why = format!("without the work: {}: {}", without.reason(), without.detail());
    (if says_nothing { Control::NotRun } else { Control::TurnedRed }, why)
}

/// Takes the group's own diff away: from the integration tip where it has landed, else from its head.
/// `Err` is why that cannot be done.
fn mutant(
    ctx: &Context<'_>,
    group: &Group,
    state: &State,
) -> Result<std::result::Result<Mutant, (Option<Oid>, String)>> {
    let repo = &ctx.ws.repo;
    let landings: Vec<(Oid, Oid)> =
        state.landings.iter().filter(|l| l.group == group.id).map(|l| (l.old, l.new)).collect();
    let (judged, steps) = match (state.tip(), state.phase(&group.id)) {
        (Some(tip), _) if !landings.is_empty() => (tip, landings),
        (_, Phase::Passing { commit, base, .. }) => (commit, vec![(base, commit)]),
        (_, phase) => {
            let why = format!("the group is {}: there is no work to take away", phase.word());
            return Ok(Err((None, why)));
        }
    };
    let mut kept = BTreeSet::new();
    let mut at = judged;
    // The newest first, each from what is left.
    for (old, new) in steps.into_iter().rev() {
        let (old_tree, new_tree) = (repo.tree_of(old)?, repo.tree_of(new)?);
        let changes = repo.changes(old_tree, new_tree)?;
        let keep: Vec<String> = changes
            .iter()
            .map(|c| c.path.clone())
            .filter(|path| is_test(path) || ctx.gates().find(path).next().is_some())
            .collect();
        let without = repo.with_paths_of(old_tree, new_tree, &keep)?;
        kept.extend(keep);
        // A commit on top of the work that takes it back: merging it is what `git revert` does.
        let back = commit(ctx, without, &[new], &group.id)?;
        match repo.merge(at, back)? {
            Merge::Clean { tree, .. } => at = commit(ctx, tree, &[at], &group.id)?,
            Merge::Conflicted { conflicts } => {
                let paths: Vec<&str> = conflicts.iter().map(|c| c.path.as_str()).collect();
                let why = format!(
                    "its work cannot be taken away by itself: later work changes the same lines of {}",
                    paths.join(", ")
                );
                return Ok(Err((Some(judged), why)));
            }
        }
    }
    if repo.tree_of(at)? == repo.tree_of(judged)? {
        let why = "nothing is left to take away: its work is only tests and what defines checks";
        return Ok(Err((Some(judged), why.to_owned())));
    }
    Ok(Ok(Mutant { judged, commit: at, kept: kept.into_iter().collect() }))
}

/// An object that no ref names: git clears it away when it is old.
fn commit(ctx: &Context<'_>, tree: Oid, parents: &[Oid], gid: &str) -> Result<Oid> {
    ctx.ws.repo.write_commit(&NewCommit {
        tree,
        parents,
        message: &format!("without {gid}\n\nOtto-Session: {}\n", ctx.sid()),
        at: ctx.ws.repo.commit(parents[0])?.at,
    })
}

fn note(
    ctx: &Context<'_>,
    group: &Group,
    check: &Check,
    (judged, mutant): (Option<Oid>, Option<Oid>),
    kept: &[String],
    (control, why): (Control, &str),
    outcome: Option<&Outcome>,
) -> Result<()> {
    let event = CheckMutated {
        check: check.id.clone(),
        control,
        judged,
        mutant,
        kept: kept.to_vec(),
        why: why.to_owned(),
        outcome: outcome.map(Json::of).transpose()?,
    };
    ctx.report.item(&Item::Control {
        check: check.id.clone(),
        group: group.id.clone(),
        control: control.word(),
        kept: kept.to_vec(),
        why: why.to_owned(),
    });
    ctx.append(Entry::group(&group.id, event))
}
