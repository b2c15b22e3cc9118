//! What every stage after compile works with.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use super::Report;
use crate::agent::budget::Deadline;
use crate::base::{Error, Result, Secrets, Sha256};
use crate::check::batch::Bench;
use crate::check::cache::{Cache, Reuse};
use crate::check::driver::Journal;
use crate::check::evidence::EvidenceStore;
use crate::check::prepare::{For, PrepareCache};
use crate::check::service::Declared;
use crate::git::pool::Owner;
use crate::git::{Oid, Pool, Repo, Worktree};
use crate::session::config::Who;
use crate::session::config::{Agent, Role};
use crate::session::event::Event;
use crate::session::journal::Entry;
use crate::session::layout::refs;
use crate::session::packages::Packages;
use crate::session::state::RunState;
use crate::session::{Config, Session, State, Workspace};
use crate::spec::{BaseTree, GateInputs, Group, Ownership, Prepare, Spec};

/// An open session with its approved spec, as it was when this was opened; [`Context::now`] has it
/// as it is.
pub struct Context<'a> {
    pub ws: &'a Workspace,
    pub session: &'a Session,
    pub spec: Spec,
    pub pool: Pool,
    pub ownership: Ownership,
    pub deadline: Deadline,
    pub report: &'a dyn Report,
    /// Whether results of checks may be reused.
    pub reuse: Reuse,
    records: bool,
    steps: Vec<Prepare>,
    gates: OnceLock<GateInputs>,
    spec_sha256: OnceLock<Sha256>,
    secrets: OnceLock<Secrets>,
}

/// A context of the spec as it is at this moment.
pub enum Now<'c, 'a> {
    Same(&'c Context<'a>),
    Amended(Box<Context<'a>>),
}

impl<'a> std::ops::Deref for Now<'_, 'a> {
    type Target = Context<'a>;
    fn deref(&self) -> &Context<'a> {
        match self {
            Now::Same(ctx) => ctx,
            Now::Amended(ctx) => ctx,
        }
    }
}

/// The tree of the session's base.
struct Base<'a> {
    repo: &'a Repo,
    commit: Oid,
}

/// What cannot be read is not there: a file that is needed is missed where it is used.
impl BaseTree for Base<'_> {
    fn text(&self, path: &str) -> Option<String> {
        let bytes = self.repo.file_at(self.commit, path).ok().flatten()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn link(&self, path: &str) -> Option<String> {
        self.repo.link_at(self.commit, path).ok().flatten()
    }
}

impl<'a> Context<'a> {
    /// Fails when the spec is not approved.
    pub fn open(ws: &'a Workspace, session: &'a Session, report: &'a dyn Report) -> Result<Self> {
        if let RunState::Aborted { reason } = session.with_state(|s| s.run.clone())? {
            return Err(Error::no(format!("the session was aborted: {reason}")).hint(
                "its proof can still be rendered; its branches and refs/otto/attic hold the work",
            ));
        }
        ws.look_after_boot()?;
        let config = &session.config;
        let pool = ws.pool(config)?;
        let deadline = Deadline::of_step(config.run_budget_seconds);
        Self::by((ws, session, report), session.spec()?, pool, deadline)
    }

    fn by(
        (ws, session, report): (&'a Workspace, &'a Session, &'a dyn Report),
        spec: Spec,
        pool: Pool,
        deadline: Deadline,
    ) -> Result<Self> {
        let config = &session.config;
        let ownership = Ownership::new(&spec, &config.protected_paths)?;
        let mut steps = config.prepare.clone();
        for step in &spec.prepare {
            if !steps.contains(step) {
                steps.push(step.clone());
            }
        }
        Ok(Self {
            ws,
            session,
            spec,
            pool,
            ownership,
            deadline,
            report,
            reuse: Reuse::of_step(),
            records: true,
            steps,
            gates: OnceLock::new(),
            spec_sha256: OnceLock::new(),
            secrets: OnceLock::new(),
        })
    }

    /// The same by the spec as it is now: people and builders amend it while others work. What is
    /// decided by an older one is not recorded; see [`Context::is_by`].
    pub fn now(&self) -> Result<Now<'_, 'a>> {
        if self.session.with_state(|s| self.is_by(s))? {
            return Ok(Now::Same(self));
        }
        let of = (self.ws, self.session, self.report);
        let now = Self::by(of, self.session.spec()?, self.pool.clone(), self.deadline)?;
        Ok(Now::Amended(Box::new(now)))
    }

    /// Whether the spec is still the approved one; asked under the journal's lock by whoever records
    /// what follows from it.
    pub fn is_by(&self, state: &State) -> bool {
        state.approved() == Some(self.spec_sha256())
    }

    /// For a step that runs agents or checks: fails (78) before anything is written where this machine
    /// cannot keep the session's sandbox (I6).
    pub fn open_to_work(
        ws: &'a Workspace,
        session: &'a Session,
        report: &'a dyn Report,
    ) -> Result<Self> {
        session.require_sandbox()?;
        Self::open(ws, session, report)
    }

    /// For checks that are no step of the session: the journal is not told of their services.
    pub fn by_hand(self) -> Self {
        Self { records: false, ..self }
    }

    /// With the services of another spec.
    pub fn with_services_of(mut self, spec: &Spec) -> Self {
        self.spec.services.clone_from(&spec.services);
        self.spec.fixtures.clone_from(&spec.fixtures);
        self
    }

    pub fn config(&self) -> &Config {
        &self.session.config
    }

    pub fn sid(&self) -> &str {
        self.session.id.as_str()
    }

    pub fn base(&self) -> Oid {
        self.session.record.base
    }

    pub fn state(&self) -> Result<State> {
        self.session.state()
    }

    pub fn append(&self, entry: Entry) -> Result<()> {
        self.session.append(self.ws, entry).map(drop)
    }

    pub fn group_event(&self, gid: &str, event: impl Into<Event>) -> Result<()> {
        self.append(Entry::group(gid, event))
    }

    pub fn left(&self) -> Duration {
        self.deadline.left()
    }

    /// See [`super::spending::check_budget`].
    pub fn check_budget(&self) -> Result<()> {
        super::spending::check_budget(self.session)
    }

    /// The folder of an agent's own configuration and conversations.
    pub fn agent_dir(&self, agent: &Agent, role: Role, group: Option<&str>) -> Result<PathBuf> {
        let provider = agent.provider.as_deref().unwrap_or_default();
        self.ws.agent_dir(&self.session.id, provider, role, group)
    }

    /// The files that define the gates, as they are in the session's base.
    pub fn gates(&self) -> &GateInputs {
        self.gates.get_or_init(|| {
            let base = Base { repo: &self.ws.repo, commit: self.base() };
            GateInputs::new(&self.spec, &self.steps, &base)
        })
    }

    /// Content hash of the spec; see [`Spec::content_hash`].
    pub fn spec_sha256(&self) -> Sha256 {
        *self.spec_sha256.get_or_init(|| self.spec.content_hash())
    }

    /// The group of that name, or 2 with the nearest one.
    pub fn group(&self, gid: &str) -> Result<&Group> {
        group_of(&self.spec, gid)
    }

    /// The record of a slot that holds an attempt's work.
    pub fn owner(&self, gid: &str, attempt: u32) -> Owner {
        Owner { session: self.sid().to_owned(), group: gid.to_owned(), attempt }
    }

    /// Gives back the slots of attempts of this session that have ended.
    pub fn settle_slots(&self) -> Result<()> {
        let state = self.state()?;
        let open = |o: &Owner| {
            state.group(&o.group).and_then(|g| g.open_attempt()).map(|a| a.number)
                == Some(o.attempt)
        };
        self.pool.settle(|owner| owner.session == self.sid() && !open(owner))
    }

    /// What preparation makes: not the agent's work.
    pub fn prepared_paths(&self) -> Vec<String> {
        self.steps.iter().flat_map(|s| s.outputs.iter().cloned()).collect()
    }

    /// Prepares a worktree that holds `commit` for an agent; `Ok(Err(why))` when a step failed.
    pub fn prepare(
        &self,
        worktree: &Worktree,
        commit: Oid,
    ) -> Result<std::result::Result<Packages, String>> {
        if self.steps.is_empty() {
            return Ok(Ok(Packages::default()));
        }
        let bench = self.bench()?;
        let subject = bench.subject(commit, self.base(), For::Work)?;
        bench.prepared.prepare(worktree, &subject, self.left())
    }

    pub fn bench(&self) -> Result<Bench<'_>> {
        self.session.require_sandbox()?;
        let (cache, project) = (crate::session::cache_dir()?, self.ws.repo.project.hash());
        let prepared = crate::session::own_cache()?.join(&project).join("prepared");
        // Beside the folder that no sandbox shows anything of.
        let packages = cache.join("otto-packages").join(&project);
        Ok(Bench {
            repo: &self.ws.repo,
            pool: &self.pool,
            evidence: self.evidence(),
            cache: Cache::new(self.ws.layout.check_cache(), self.reuse),
            prepared: PrepareCache { dir: prepared, packages, secrets: self.secrets().clone() },
            steps: &self.steps,
            declared: Declared { services: &self.spec.services, fixtures: &self.spec.fixtures },
            session: self.session,
            clock: &self.ws.clock,
            journal: self.records.then_some(Journal { ws: self.ws, session: self.session }),
            containment: self.session.containment(Who::Check)?,
        })
    }

    /// What is hidden in everything that this process writes below `otto_logs`.
    pub fn secrets(&self) -> &Secrets {
        self.secrets.get_or_init(|| Secrets::from_env(&self.config().secrets))
    }

    pub fn evidence(&self) -> EvidenceStore {
        EvidenceStore::new(self.session.layout.evidence()).hiding(self.secrets().clone())
    }

    pub fn build_ref(&self, gid: &str) -> String {
        refs::build(&self.session.id, gid)
    }

    /// Objects become durable before anything that names them is written down.
    pub fn sync_objects(&self) -> Result<()> {
        crate::disk::syncfs(&self.ws.repo.project.common_dir)
    }

    /// Refuses (77) to move a branch of ours under somebody who has it checked out.
    pub fn refuse_checked_out(&self, branch: &str) -> Result<()> {
        match self.ws.repo.checked_out_at(branch)? {
            None => Ok(()),
            Some(place) => {
                let short = branch.trim_start_matches("refs/heads/");
                Err(Error::person(format!("'{short}' is checked out in '{}'", place.display()))
                    .hint(format!(
                        "let go of it there: git -C {} switch --detach",
                        crate::base::text::shell_quote(&place.to_string_lossy())
                    )))
            }
        }
    }
}

/// The group of that name, or 2 with the nearest one.
pub fn group_of<'a>(spec: &'a Spec, gid: &str) -> Result<&'a Group> {
    spec.group(gid).ok_or_else(|| {
        let ids = spec.groups.iter().map(|g| g.id.as_str());
        let error = Error::usage(format!("the spec has no group '{gid}'"));
        match crate::base::text::nearest(gid, ids.clone()) {
            Some(near) => error.hint(format!("did you mean '{near}'?")),
            None => error.hint(format!("its groups: {}", ids.collect::<Vec<_>>().join(", "))),
        }
    })
}
