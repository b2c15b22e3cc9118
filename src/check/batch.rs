//! Several checks on one commit: a fresh, prepared worktree for each, one re-run for what is red,
//! the base rule for acceptance checks, and the cache where it may be used.

use std::time::Duration;

use super::cache::{self, Cache, KeyParts};
use super::driver::{Place, Replies, run_control, run_once};
use super::evidence::EvidenceStore;
use super::gate::{after_rerun, against_base};
use super::journey::Once;
use super::prepare::{For, PrepareCache, Subject};
use super::service::{Declared, Running};
use super::{Outcome, Provenance, Reason};
use crate::base::{Error, Result, Sha256};
use crate::git::{Oid, Pool, Repo, Worktree};
use crate::process::stop;
use crate::session::Session;
use crate::session::config::Containment;
use crate::session::packages::Packages;
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
    pub declared: Declared<'a>,
    pub session: &'a Session,
    /// What keeps checks, and each step of preparation, in their worktrees.
    pub containment: Containment,
}

/// Whether an earlier result on the same tree may stand for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    Use,
    /// Audit, verify: everything runs.
    Never,
}

/// What a red check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Red {
    /// Run once more, so that one that is green and red is called flaky.
    Again,
    /// An answer.
    Counts,
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
        self.run_all(checks, commit, base, (caching, Red::Again), left, seen)
    }

    fn run_all(
        &self,
        checks: &[&Check],
        commit: Oid,
        base: Oid,
        (caching, red): (Caching, Red),
        left: impl Fn() -> Duration,
        seen: &mut dyn FnMut(&Ran) -> Result<()>,
    ) -> Result<Vec<Ran>> {
        let mut all = Vec::new();
        if checks.is_empty() {
            return Ok(all);
        }
        let tree = self.repo.tree_of(commit)?;
        let whom = if caching == Caching::Never { For::Judgement } else { For::Work };
        let subject = self.subject(commit, base, whom)?;
        let prepared = subject.hash();
        let mut room = Room { bench: self, commit, worktree: None, fresh: true };
        let mut replies = Replies::new();
        let nothing = Running::default();
        for check in checks {
            stop::check()?;
            out_of_time(left())?;
            let key = self.key(check, tree, &prepared);
            // A reply is needed by invariants, so a probe's cached outcome would starve them.
            let cacheable = caching == Caching::Use
                && !matches!(check.body()?, CheckBody::StateInvariant(_))
                && !followed_by_invariant(check, checks);
            let get = || self.cache.get(&key, self.session, &check.id, tree);
            let mut found = if cacheable { get()? } else { None };
            // Kept until the outcome is recorded: only then it can be read by whoever waits.
            let mut turn = None;
            if cacheable && found.is_none() {
                turn = self.cache.turn(&key, left())?;
                found = get()?;
            }
            let ran = match found {
                Some(outcome) => Ran { check: check.id.clone(), outcome, cached: true },
                None => {
                    let worktree = room.enter()?;
                    let mut place = Place {
                        packages: Packages::default(),
                        declared: self.declared,
                        running: &nothing,
                        worktree,
                        commit,
                        tree,
                        base,
                        evidence: &self.evidence,
                        containment: &self.containment,
                        left: left(),
                    };
                    let outcome = self.run_fresh(check, &mut place, &subject, &mut replies, red)?;
                    let gone = (!worktree.is_ours()).then(|| removed(worktree));
                    room.fresh = false;
                    // A stop, a folder that somebody removed, or the end of the run's time says
                    // nothing about the product.
                    stop::check()?;
                    if let Some(e) = gone {
                        return Err(e);
                    }
                    if !outcome.is_pass() {
                        out_of_time(left())?;
                    }
                    if cacheable {
                        self.cache.put(&key, &self.session.id, &outcome)?;
                    }
                    Ran { check: check.id.clone(), outcome, cached: false }
                }
            };
            seen(&ran)?;
            drop(turn);
            all.push(ran);
        }
        room.leave()?;
        Ok(all)
    }

    fn key(&self, check: &Check, tree: Oid, prepare: &Sha256) -> Sha256 {
        let Containment { tier, network, .. } = self.containment;
        cache::key(&KeyParts { tree, check, prepare, tier, network })
    }

    /// Once, and once more when it is red and that matters: in a worktree that was reset and
    /// prepared again.
    fn run_fresh(
        &self,
        check: &Check,
        place: &mut Place<'_>,
        subject: &Subject<'_>,
        replies: &mut Replies,
        red: Red,
    ) -> Result<Outcome> {
        if let Some(red) = self.prepare(place, subject)? {
            return Ok(red);
        }
        let first = self.once(check, place, subject, replies)?;
        if first.is_pass() || red == Red::Counts || !worth_again(&first) {
            return Ok(first);
        }
        place.worktree.reset(place.commit)?;
        if let Some(red) = self.prepare(place, subject)? {
            return Ok(red);
        }
        let second = self.once(check, place, subject, replies)?;
        Ok(after_rerun(first, second))
    }

    fn once(
        &self,
        check: &Check,
        place: &mut Place<'_>,
        subject: &Subject<'_>,
        replies: &mut Replies,
    ) -> Result<Outcome> {
        let pending = match run_once(check, place, replies)? {
            Once::Over(outcome) => return Ok(*outcome),
            Once::NeedsControl(pending) => pending,
        };
        place.worktree.reset(place.commit)?;
        match self.prepare(place, subject)? {
            Some(red) => Ok(red),
            None => run_control(check, *pending, place),
        }
    }

    /// What is prepared for a commit.
    pub fn subject(&self, commit: Oid, base: Oid, whom: For) -> Result<Subject<'_>> {
        Subject::new((self.repo, self.session), self.steps, (commit, base), whom)
    }

    /// Prepares the worktree; the outcome to record when that fails.
    fn prepare(&self, place: &mut Place<'_>, subject: &Subject<'_>) -> Result<Option<Outcome>> {
        match self.prepared.prepare(place.worktree, subject, place.left)? {
            Ok(packages) => {
                place.packages = packages;
                Ok(None)
            }
            Err(why) => {
                let of = Provenance {
                    commit: place.commit.to_string(),
                    tree: place.tree.to_string(),
                    duration_s: 0.0,
                    evidence: vec![self.evidence.keep(why.as_bytes())?],
                };
                let detail = crate::base::text::one_line(&why, 200);
                Ok(Some(Outcome::red(Reason::PrepareFailed, detail, of)))
            }
        }
    }

    /// Acceptance checks that pass on the base prove nothing: their outcomes to record instead. Each
    /// runs there once: red is what is expected of it.
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
        let how = (Caching::Use, Red::Counts);
        let on_base = self.run_all(&acceptance, base, base, how, left, seen)?;
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

/// The worktree of a batch, leased when the first check really has to run.
struct Room<'a> {
    bench: &'a Bench<'a>,
    commit: Oid,
    worktree: Option<Worktree>,
    fresh: bool,
}

impl Room<'_> {
    /// The worktree, holding the commit and nothing else.
    fn enter(&mut self) -> Result<&Worktree> {
        if self.worktree.is_none() {
            self.worktree = Some(self.bench.pool.lease(self.commit, None)?);
            self.fresh = true;
        }
        let worktree = self.worktree.as_ref().expect("because it was just leased");
        if !self.fresh {
            worktree.reset(self.commit)?;
        }
        Ok(worktree)
    }

    fn leave(self) -> Result<()> {
        self.worktree.map_or(Ok(()), Worktree::release)
    }
}

/// Fails with 77 when the run's time is over: what is not judged in time is not judged.
fn out_of_time(left: Duration) -> Result<()> {
    if left > Duration::ZERO {
        return Ok(());
    }
    Err(Error::person("the time budget of the run is spent")
        .hint("nothing is lost; go on with more: otto run --resume --budget-seconds 3600"))
}

fn removed(worktree: &Worktree) -> Error {
    let place = worktree.path.display();
    Error::later(format!("the worktree '{place}' was removed while a check ran there"), None)
        .hint("nothing is lost and nothing was judged; go on with: otto run --resume")
}

/// A missing tool or an empty selection does not get better by trying again.
fn worth_again(outcome: &Outcome) -> bool {
    !matches!(
        outcome.reason(),
        Reason::Interrupted
            | Reason::MissingTool
            | Reason::NotExecutable
            | Reason::EmptySelector
            | Reason::Timeout
            | Reason::OutputTruncated
            | Reason::CannotEvaluate
            | Reason::InvariantFalse
            | Reason::NothingChanged
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
