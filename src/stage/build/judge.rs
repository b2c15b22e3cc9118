//! What a commit of a group is worth: who owns what it changed, and what its checks say. The same
//! judgement for an agent's attempt, for what a killed attempt left, and for a person's commit.

use std::collections::BTreeSet;

use super::gated::{Commit, run_checks};
use crate::base::{Json, Result, Sha256};
use crate::check::batch::Ran;
use crate::check::{Outcome, fingerprint};
use crate::git::diff::EntryKind;
use crate::git::{Change, Oid};
use crate::session::event::{AttemptOutcome, CheckPhase, GroupChecked, Rule, Violation};
use crate::session::journal::Entry;
use crate::spec::gates::Input;
use crate::spec::{Check, ContractRule, Group, Verdict};
use crate::stage::{Context, Item};

/// The judgement of one commit.
#[derive(Debug, Clone)]
pub struct Judgement {
    pub outcome: AttemptOutcome,
    pub changes: Vec<Change>,
    pub violations: Vec<Violation>,
    pub red: Vec<Ran>,
    pub fingerprint: Option<Sha256>,
}

/// Compares with `base` and runs the checks. `first_base` is the base without any of the group's
/// work, on which acceptance checks must fail.
pub fn judge(
    ctx: &Context<'_>,
    group: &Group,
    attempt: u32,
    commit: Oid,
    base: Oid,
    extra: &[Check],
) -> Result<Judgement> {
    let repo = &ctx.ws.repo;
    let changes = repo.changes(repo.tree_of(base)?, repo.tree_of(commit)?)?;
    let mut judgement = Judgement {
        outcome: AttemptOutcome::NoChange,
        violations: Vec::new(),
        red: Vec::new(),
        fingerprint: None,
        changes,
    };
    if judgement.changes.is_empty() && !is_reopened(ctx, group)? {
        judgement.fingerprint = Some(Sha256::of(b"no change"));
        return Ok(judgement);
    }
    judgement.violations = violations(ctx, group, repo.tree_of(base)?, &judgement.changes)?;
    if !judgement.violations.is_empty() {
        let paths: Vec<&[u8]> = judgement.violations.iter().map(|v| v.path.as_bytes()).collect();
        judgement.fingerprint = Some(Sha256::of_parts(&paths));
        judgement.outcome = AttemptOutcome::Violation;
        return Ok(judgement);
    }
    let checks: Vec<&Check> = group.checks.iter().chain(extra).collect();
    let phase = CheckPhase::Attempt;
    let at = Commit { group, attempt, phase, commit, base, changes: &judgement.changes };
    let ran = run_checks(ctx, at, &checks)?;
    judgement.red = ran.into_iter().filter(|r| !r.outcome.is_pass()).collect();
    if judgement.red.is_empty() {
        judgement.outcome = AttemptOutcome::Passing;
        return Ok(judgement);
    }
    judgement.outcome = AttemptOutcome::ChecksFailed;
    let prints: Vec<Sha256> =
        judgement.red.iter().map(|r| fingerprint(&r.outcome, &output_of(ctx, r), &[])).collect();
    let text: Vec<String> = prints.iter().map(ToString::to_string).collect();
    let parts: Vec<&[u8]> = text.iter().map(String::as_bytes).collect();
    judgement.fingerprint = Some(Sha256::of_parts(&parts));
    Ok(judgement)
}

/// Whether the group's work is in the product and its spec asks for other work: then what is there
/// may be good as it is, and changing nothing is an answer.
pub fn is_reopened(ctx: &Context<'_>, group: &Group) -> Result<bool> {
    ctx.session.with_state(|s| {
        s.group(&group.id).is_some_and(|g| g.landed.is_some() && g.repair.is_none())
    })
}

/// What a check printed, from its evidence.
pub fn output_of(ctx: &Context<'_>, ran: &Ran) -> String {
    printed(ctx, &ran.outcome)
}

/// What was printed by the run that an outcome is of, from its evidence.
pub fn printed(ctx: &Context<'_>, outcome: &Outcome) -> String {
    let store = ctx.evidence();
    outcome
        .evidence()
        .first()
        .and_then(|e| store.read(e).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

/// Records a check's outcome and reports it.
pub fn note_check(
    ctx: &Context<'_>,
    gid: &str,
    attempt: u32,
    phase: CheckPhase,
    ran: &Ran,
) -> Result<()> {
    let outcome = Json::of(&ran.outcome)?;
    ctx.report.item(&Item::Check {
        check: ran.check.clone(),
        phase: phase.word(),
        group: Some(gid.to_owned()),
        outcome: outcome.clone(),
        cached: ran.cached,
    });
    let run = ran.run.as_ref().map(Json::of).transpose()?;
    let event = GroupChecked { check: ran.check.clone(), phase, outcome, cached: ran.cached, run };
    ctx.append(Entry::attempt(gid, attempt, event))
}

/// Changed paths that the group may not write, each with the rule and why. `base` is the tree that
/// the changes were made to.
pub fn violations(
    ctx: &Context<'_>,
    group: &Group,
    base: Oid,
    changes: &[Change],
) -> Result<Vec<Violation>> {
    let mut out = links_out(ctx, base, changes)?;
    for change in changes {
        if out.iter().any(|v: &Violation| v.path == change.path) {
            continue;
        }
        let broken = if change.raw.is_some() {
            Some((Rule::Name, "its name is not UTF-8, so no glob can own it".to_owned()))
        } else if change.involves(EntryKind::Gitlink) {
            let why = "it is a nested repository or a submodule, which no group may change";
            Some((Rule::Submodule, why.to_owned()))
        } else if let Some(broken) = refusal(ctx, group, change)? {
            Some(broken)
        } else if let Some(why) = redefines_a_gate(ctx, group, change)? {
            Some((Rule::Gate, why))
        } else if change.old.is_none()
            && let Some(other) = ctx.ws.repo.same_but_case(base, &change.path)?
        {
            let why = format!("it differs only in upper and lower case from '{other}'");
            Some((Rule::Case, why))
        } else {
            None
        };
        if let Some((rule, why)) = broken {
            out.push(Violation { path: change.path.clone(), rule, why });
        }
    }
    Ok(out)
}

/// Why a change of a file that the group owns changes a gate that it does not own: a catch-all says
/// nothing about what decides whether the work is good.
fn redefines_a_gate(ctx: &Context<'_>, group: &Group, change: &Change) -> Result<Option<String>> {
    let inputs: Vec<&Input> = ctx.gates().find(&change.path).collect();
    if inputs.is_empty() || ctx.ownership.is_named(&group.id, &change.path) {
        return Ok(None);
    }
    let text = |side: Option<(EntryKind, Oid)>| -> Result<Option<String>> {
        let Some((_, blob)) = side else { return Ok(None) };
        Ok(Some(String::from_utf8_lossy(&ctx.ws.repo.blob(blob)?).into_owned()))
    };
    let (old, new) = (text(change.old)?, text(change.new)?);
    let changed = inputs.into_iter().find(|i| i.differs(old.as_deref(), new.as_deref()));
    Ok(changed.map(|input| {
        format!(
            "it defines the check '{}' (read by {}), and no entry of the group's paths names it or its folder",
            input.check, input.reader
        )
    }))
}

/// Links that lead out of the tree since these changes: what such a link shows is not in the tree,
/// and no check of it says anything about the product. A new link may turn another one.
fn links_out(ctx: &Context<'_>, base: Oid, changes: &[Change]) -> Result<Vec<Violation>> {
    if !changes.iter().any(|c| c.new.is_some_and(|(kind, _)| kind == EntryKind::Symlink)) {
        return Ok(Vec::new());
    }
    let repo = &ctx.ws.repo;
    let mut entries = repo.entries_in(base)?;
    let before = repo.links_of(&entries)?;
    let changed: BTreeSet<&str> = changes.iter().map(|c| c.path.as_str()).collect();
    entries.retain(|(path, ..)| !changed.contains(path.as_str()));
    let new = changes.iter().filter_map(|c| c.new.map(|(kind, id)| (c.path.clone(), kind, id)));
    entries.extend(new);
    let after = repo.links_of(&entries)?;
    let before = before.out();
    let new = after.out().into_iter().filter(|(path, target)| before.get(path) != Some(target));
    let violation = |(path, target): (&str, &str)| Violation {
        path: path.to_owned(),
        rule: Rule::LinkOut,
        why: format!("it is a link that leads out of the tree (to '{target}')"),
    };
    Ok(new.map(violation).collect())
}

fn refusal(ctx: &Context<'_>, group: &Group, change: &Change) -> Result<Option<(Rule, String)>> {
    let broken = match ctx.ownership.may_write(&group.id, &change.path) {
        Verdict::Owned | Verdict::Scaffold | Verdict::Contract(ContractRule::Semantic) => None,
        Verdict::Contract(ContractRule::Exact) => {
            Some((Rule::Contract, "its contract says that only its owner changes it".to_owned()))
        }
        Verdict::Contract(ContractRule::Additive) => (!only_adds(ctx, change)?).then(|| {
            let why = "its contract allows only added lines, and lines were removed or changed";
            (Rule::Contract, why.to_owned())
        }),
        Verdict::Protected { by } => {
            Some((Rule::Protected, format!("it is protected (by '{by}')")))
        }
        Verdict::OwnedBy { group } => {
            Some((Rule::NotOwned, format!("it belongs to the group '{group}'")))
        }
        Verdict::Outside => {
            Some((Rule::NotOwned, "it is outside the paths that this group owns".to_owned()))
        }
    };
    // What else the file is makes the answer easier to understand.
    Ok(broken.map(|(rule, why)| match ctx.gates().find(&change.path).next() {
        Some(input) => (rule, format!("{why}, and it defines the check '{}'", input.check)),
        None => (rule, why),
    }))
}

/// Whether every old line is still there, in order.
fn only_adds(ctx: &Context<'_>, change: &Change) -> Result<bool> {
    let (Some((_, new)), Some((_, old))) = (change.new, change.old) else {
        return Ok(change.old.is_none());
    };
    let old = ctx.ws.repo.blob(old)?;
    let new = ctx.ws.repo.blob(new)?;
    let mut rest = new.split(|b| *b == b'\n');
    Ok(old.split(|b| *b == b'\n').all(|line| rest.any(|l| l == line)))
}
