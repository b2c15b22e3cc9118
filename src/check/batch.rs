//! Several checks on one commit: a fresh, prepared worktree for each, one re-run for what is red,
//! the base rule for acceptance checks, and the cache where it may be used.

use std::time::Duration;

use super::cache::{self, Cache, KeyParts};
use super::driver::{Place, Replies, run_once};
use super::evidence::EvidenceStore;
use super::gate::{after_rerun, against_base};
use super::prepare::{PrepareCache, prepare_hash};
use super::{Outcome, Provenance, Reason};
use crate::base::{Result, Sha256};
use crate::git::{Oid, Pool, Repo, Worktree};
use crate::process::{Tier, stop};
use crate::spec::{Check, CheckBody, Prepare};

/// What running checks needs, for one session.
#[derive(Debug)]
pub struct Bench<'a> {
    pub repo: &'a Repo,
    pub pool: &'a Pool,
    pub evidence: EvidenceStore,
    pub cache: Cache,
    pub prepared: PrepareCache,
    pub steps: &'a [Prepare],
    pub session: &'a str,
    pub tier: Tier,
}

/// Whether an earlier result on the same tree may stand for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    Use,
    /// Audit, verify: everything runs.
    Never,
}

/// One check's end.
#[derive(Debug, Clone)]
pub struct Ran {
    pub check: String,
    pub outcome: Outcome,
    pub cached: bool,
}

impl Bench<'_> {
    /// Runs the checks in order. Probe replies of one are visible to the invariants after it.
    /// `seen` is called with each outcome as it is known.
    pub fn run(
        &self,
        checks: &[&Check],
        commit: Oid,
        base: Oid,
        caching: Caching,
        left: impl Fn() -> Duration,
        seen: &mut dyn FnMut(&Ran) -> Result<()>,
    ) -> Result<Vec<Ran>> {
        let mut all = Vec::new();
        if checks.is_empty() {
            return Ok(all);
        }
        let tree = self.repo.tree_of(commit)?;
        let worktree = self.pool.lease(commit, None)?;
        let hash = prepare_hash(&worktree.path, self.steps)?;
        let mut replies = Replies::new();
        let mut fresh = true;
        for check in checks {
            stop::check()?;
            let key = self.key(check, tree, &hash, &worktree);
            // A reply is needed by invariants, so a probe's cached outcome would starve them.
            let cacheable = caching == Caching::Use
                && !matches!(check.body()?, CheckBody::StateInvariant(_))
                && !followed_by_invariant(check, checks);
            let found = if cacheable { self.cache.get(&key, self.session)? } else { None };
            let ran = match found {
                Some(outcome) => Ran { check: check.id.clone(), outcome, cached: true },
                None => {
                    let place = Place {
                        worktree: &worktree,
                        commit,
                        tree,
                        base,
                        evidence: &self.evidence,
                        left: left(),
                    };
                    let outcome = self.run_fresh(check, &place, &mut replies, &mut fresh)?;
                    if cacheable {
                        self.cache.put(&key, self.session, &outcome)?;
                    }
                    Ran { check: check.id.clone(), outcome, cached: false }
                }
            };
            seen(&ran)?;
            all.push(ran);
        }
        worktree.release()?;
        Ok(all)
    }

    fn key(&self, check: &Check, tree: Oid, prepare: &Sha256, worktree: &Worktree) -> Sha256 {
        cache::key(&KeyParts { tree, check, prepare, tier: self.tier, workdir: &worktree.path })
    }

    fn run_fresh(
        &self,
        check: &Check,
        place: &Place<'_>,
        replies: &mut Replies,
        fresh: &mut bool,
    ) -> Result<Outcome> {
        if let Some(red) = self.make_ready(place, fresh)? {
            return Ok(red);
        }
        let first = run_once(check, place, replies)?;
        if first.is_pass() || first.reason() == Reason::Interrupted || !worth_again(&first) {
            return Ok(first);
        }
        if let Some(red) = self.make_ready(place, fresh)? {
            return Ok(red);
        }
        let second = run_once(check, place, replies)?;
        Ok(after_rerun(first, second))
    }

    /// Resets and prepares the worktree; the outcome to record when that fails.
    fn make_ready(&self, place: &Place<'_>, fresh: &mut bool) -> Result<Option<Outcome>> {
        if !std::mem::replace(fresh, false) {
            place.worktree.reset(place.commit)?;
        }
        match self.prepared.prepare(place.worktree, self.steps, place.left)? {
            Ok(()) => Ok(None),
            Err(why) => {
                let of = Provenance {
                    commit: place.commit.to_string(),
                    tree: place.tree.to_string(),
                    duration_s: 0.0,
                    evidence: vec![self.evidence.keep(why.as_bytes())?],
                };
                Ok(Some(Outcome::red(
                    Reason::PrepareFailed,
                    crate::base::text::one_line(&why, 200),
                    of,
                )))
            }
        }
    }

    /// Acceptance checks that pass on the base prove nothing: their outcomes to record instead.
    pub fn proves_nothing(
        &self,
        checks: &[&Check],
        base: Oid,
        left: impl Fn() -> Duration,
        seen: &mut dyn FnMut(&Ran) -> Result<()>,
    ) -> Result<Vec<Ran>> {
        let acceptance: Vec<&Check> = checks
            .iter()
            .copied()
            .filter(|c| c.purpose == crate::spec::Purpose::Acceptance)
            .collect();
        let on_base = self.run(&acceptance, base, base, Caching::Use, left, seen)?;
        Ok(on_base
            .into_iter()
            .zip(&acceptance)
            .filter_map(|(ran, check)| {
                let outcome = against_base(check.purpose, &ran.outcome)?;
                Some(Ran { outcome, ..ran })
            })
            .collect())
    }
}

/// A missing tool or an empty selection does not get better by trying again.
fn worth_again(outcome: &Outcome) -> bool {
    !matches!(
        outcome.reason(),
        Reason::MissingTool
            | Reason::NotExecutable
            | Reason::EmptySelector
            | Reason::Timeout
            | Reason::CannotEvaluate
            | Reason::InvariantFalse
    )
}

fn followed_by_invariant(check: &Check, all: &[&Check]) -> bool {
    let name = format!("probes.{}", check.id);
    all.iter().any(|c| {
        c.params.get("expr").and_then(|e| e.as_str()).is_some_and(|e| {
            e.contains(&name)
                || e.contains(&format!("probes[\"{}\"]", check.id))
                || e.contains(&format!("probes['{}']", check.id))
        })
    })
}
