//! Checks on a commit beside its base: what passes with fewer tests than there were is no pass.

use super::judge::{note_check, printed};
use crate::base::Result;
use crate::check::Outcome;
use crate::check::batch::{Caching, Ran};
use crate::check::before::Before;
use crate::check::counts::failed_names;
use crate::check::gate::against_counts;
use crate::git::{Change, Oid};
use crate::session::event::CheckPhase;
use crate::spec::{Check, Group, Purpose};
use crate::stage::Context;

/// A commit of a group, what it is compared with, and what it changes there.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    pub group: &'a Group,
    pub attempt: u32,
    pub phase: CheckPhase,
    pub commit: Oid,
    pub base: Oid,
    pub changes: &'a [Change],
}

/// Runs the checks in order and records each.
pub fn run_checks(ctx: &Context<'_>, at: Commit<'_>, checks: &[&Check]) -> Result<Vec<Ran>> {
    let bench = ctx.bench()?;
    let excused = changes_own_tests(ctx, at);
    let mut all = Vec::new();
    let mut next = checks.iter();
    // What a check of another kind is told: the session's base, once work is merged.
    let told = match at.phase {
        CheckPhase::Candidate => ctx.base(),
        CheckPhase::Base | CheckPhase::Attempt => at.base,
    };
    bench.run(checks, at.commit, told, Caching::Use, || ctx.left(), &mut |ran| {
        let mut ran = ran.clone();
        let check = next.next();
        if let Some(check) = check
            && !excused
            && ran.outcome.is_pass()
            && ran.outcome.tests().is_some()
        {
            let before = on_base(ctx, at, check)?.and_then(|o| o.tests());
            ran.outcome = against_counts(before, ran.outcome);
        } else if let Some(check) = check
            && !ran.outcome.is_pass()
        {
            let on_base = on_base(ctx, at, check)?;
            ran.outcome = beside_base(ctx, check, ran.outcome, on_base.as_ref());
        }
        note_check(ctx, &at.group.id, at.attempt, at.phase, &ran)?;
        all.push(ran);
        Ok(())
    })?;
    Ok(all)
}

/// A red outcome with what its check said on the base. An acceptance check is red there by its
/// nature: of it only the failed tests that are told by name say more.
pub fn beside_base(
    ctx: &Context<'_>,
    check: &Check,
    here: Outcome,
    on_base: Option<&Outcome>,
) -> Outcome {
    let Some(on_base) = on_base.filter(|base| base.commit() != here.commit()) else { return here };
    let names = |outcome: &Outcome| failed_names(&printed(ctx, outcome));
    let before = Before::of(&names(&here), on_base, &names(on_base));
    let says = check.purpose == Purpose::Regression || !before.new.is_empty();
    here.beside(says.then_some(before))
}

/// What a check that is red at `commit` says where the session began: an acceptance check was asked
/// there, if its group was built; any other one is run there now.
pub fn on_session_base(ctx: &Context<'_>, check: &Check, commit: Oid) -> Result<Option<Outcome>> {
    let base = ctx.base();
    if ctx.ws.repo.tree_of(commit)? == ctx.ws.repo.tree_of(base)? {
        return Ok(None);
    }
    let asked = ctx.session.with_state(|s| {
        let key = (CheckPhase::Base, check.id.clone());
        s.groups.values().find_map(|g| g.checks.get(&key)?.read::<Outcome>().ok())
    })?;
    if asked.is_some() || check.purpose == Purpose::Acceptance {
        return Ok(asked);
    }
    let left = || ctx.left();
    let ran = ctx.bench()?.run(&[check], base, base, Caching::Never, left, &mut |_| Ok(()))?;
    Ok(ran.into_iter().next().map(|ran| ran.outcome))
}

/// What a check says on the base. An acceptance check was asked there before the
/// group's first attempt; a regression check is run there, where its result is not known.
fn on_base(ctx: &Context<'_>, at: Commit<'_>, check: &Check) -> Result<Option<Outcome>> {
    match check.purpose {
        Purpose::Acceptance => ctx.session.with_state(|s| {
            let key = (CheckPhase::Base, check.id.clone());
            let outcome = s.group(&at.group.id)?.checks.get(&key)?;
            outcome.read::<Outcome>().ok()
        }),
        Purpose::Regression => {
            let on_base = ctx.bench()?.run(
                &[check],
                at.base,
                at.base,
                Caching::Use,
                || ctx.left(),
                &mut |_| Ok(()),
            )?;
            Ok(on_base.into_iter().next().map(|ran| ran.outcome))
        }
    }
}

/// Whether the commit removes or rewrites tests that its group owns by name: theirs to change.
fn changes_own_tests(ctx: &Context<'_>, at: Commit<'_>) -> bool {
    at.changes.iter().any(|c| {
        c.old.is_some() && is_test(&c.path) && ctx.ownership.is_named(&at.group.id, &c.path)
    })
}

/// Whether a path looks like that of a test, as the conventions of test tools go.
pub fn is_test(path: &str) -> bool {
    let path = path.to_lowercase();
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let folder = |d: &str| matches!(d, "test" | "tests" | "spec" | "specs" | "__tests__" | "t");
    let stem = name.split('.').next().unwrap_or(name);
    let parts = name.split('.').skip(1);
    dir.split('/').any(folder)
        || stem.starts_with("test_")
        || ["_test", "_tests", "_spec"].iter().any(|end| stem.ends_with(end))
        || parts.clone().any(|p| matches!(p, "test" | "spec" | "t" | "bats"))
        || matches!(stem, "test" | "tests")
}

#[cfg(test)]
mod tests {
    use super::is_test;

    #[test]
    fn tests_are_known_by_their_names() {
        for path in [
            "tests/a.py",
            "src/__tests__/a.js",
            "test_a.py",
            "a/b_test.go",
            "a.spec.ts",
            "a.test.js",
            "x_spec.rb",
            "a.bats",
            "Tests/A.cs",
            "src/tests.rs",
        ] {
            assert!(is_test(path), "{path}");
        }
        for path in ["src/a.py", "src/contest.py", "latest.js", "src/special.rb", "attest/a"] {
            assert!(!is_test(path), "{path}");
        }
    }
}
