//! What a commit of a group is worth: who owns what it changed, and what its checks say. The same
//! judgement for an agent's attempt, for what a killed attempt left, and for a person's commit.

use crate::base::{Result, Sha256};
use crate::check::batch::{Caching, Ran};
use crate::check::fingerprint;
use crate::git::diff::EntryKind;
use crate::git::{Change, Oid};
use crate::session::event::{AttemptOutcome, CheckPhase, GroupChecked, Violation};
use crate::session::journal::Entry;
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
    if judgement.changes.is_empty() {
        judgement.fingerprint = Some(Sha256::of(b"no change"));
        return Ok(judgement);
    }
    judgement.violations = violations(ctx, group, &judgement.changes)?;
    if !judgement.violations.is_empty() {
        let paths: Vec<&[u8]> = judgement.violations.iter().map(|v| v.path.as_bytes()).collect();
        judgement.fingerprint = Some(Sha256::of_parts(&paths));
        judgement.outcome = AttemptOutcome::Violation;
        return Ok(judgement);
    }
    let bench = ctx.bench()?;
    let checks: Vec<&Check> = group.checks.iter().chain(extra).collect();
    let ran = bench.run(&checks, commit, base, Caching::Use, || ctx.left(), &mut |ran| {
        note_check(ctx, &group.id, attempt, CheckPhase::Attempt, ran)
    })?;
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

/// What a check printed, from its evidence.
pub fn output_of(ctx: &Context<'_>, ran: &Ran) -> String {
    let store = ctx.evidence();
    ran.outcome
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
    let outcome = serde_json::to_value(&ran.outcome)
        .map_err(|e| crate::base::Error::bug("an outcome cannot be written").because(e))?;
    ctx.report.item(&Item::Check {
        check: ran.check.clone(),
        phase: phase.word(),
        group: Some(gid.to_owned()),
        outcome: outcome.clone(),
        cached: ran.cached,
    });
    let event = GroupChecked { check: ran.check.clone(), phase, outcome, cached: ran.cached };
    ctx.append(Entry::attempt(gid, attempt, event))
}

/// Changed paths that the group may not write, each with why.
pub fn violations(ctx: &Context<'_>, group: &Group, changes: &[Change]) -> Result<Vec<Violation>> {
    let mut out = Vec::new();
    for change in changes {
        let why = if change.raw.is_some() {
            Some("its name is not UTF-8, so no glob can own it".to_owned())
        } else if leads_out(ctx, change)? {
            Some("it is a link that leads out of the tree".to_owned())
        } else if change.involves(EntryKind::Gitlink) {
            Some("it is a nested repository or a submodule, which no group may change".to_owned())
        } else {
            refusal(ctx, group, change)?
        };
        if let Some(why) = why {
            out.push(Violation { path: change.path.clone(), why });
        }
    }
    Ok(out)
}

/// A symlink whose target is absolute or climbs above the root: what it shows is not in the tree,
/// and no check of it says anything about the product.
fn leads_out(ctx: &Context<'_>, change: &Change) -> Result<bool> {
    let Some((EntryKind::Symlink, blob)) = change.new else { return Ok(false) };
    let target = String::from_utf8_lossy(&ctx.ws.repo.blob(blob)?).into_owned();
    let mut depth = change.path.split('/').count() as i64 - 1;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return Ok(true);
        }
    }
    Ok(target.starts_with('/'))
}

fn refusal(ctx: &Context<'_>, group: &Group, change: &Change) -> Result<Option<String>> {
    Ok(match ctx.ownership.may_write(&group.id, &change.path) {
        Verdict::Owned | Verdict::Scaffold => None,
        Verdict::Contract(ContractRule::Semantic) => None,
        Verdict::Contract(ContractRule::Exact) => {
            Some("its contract says that only its owner changes it".into())
        }
        Verdict::Contract(ContractRule::Additive) => {
            if only_adds(ctx, change)? {
                None
            } else {
                Some(
                    "its contract allows only added lines, and lines were removed or changed"
                        .into(),
                )
            }
        }
        Verdict::Protected { by } => Some(format!("it is protected (by '{by}')")),
        Verdict::OwnedBy { group } => Some(format!("it belongs to the group '{group}'")),
        Verdict::Outside => Some("it is outside the paths that this group owns".into()),
    })
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
