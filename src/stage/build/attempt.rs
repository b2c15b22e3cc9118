//! One attempt: a worktree at the right commit, one agent turn, a commit by Otto, a judgement.
//!
//! Order of a kill: the attempt is announced, the slot gets its owner record, the agent works, the
//! tree is committed (dated by the announcement, so that doing it again gives the same id), the
//! branch moves, the checks run, the end is recorded. Whatever was there is judged on resume.

use super::base::Base;
use super::brief::{brief, quoted};
use super::commit::{Committed, commit_work};
use super::judge::{Judgement, judge, violations};
use super::packet;
use super::turn::work;
use crate::agent::{Ending, TurnResult, require_provider};
use crate::base::text::one_line;
use crate::base::{Error, Result, Sha256};
use crate::disk::lock::Group as GroupLock;
use crate::disk::{self, Held};
use crate::git::{Change, NewCommit, Oid, Worktree};
use crate::session::config::Role;
use crate::session::event::{
    AttemptFinished, AttemptOutcome, AttemptStarted, Conversation, GroupPassing, Rule, Violation,
    WorktreeLeased, WorktreeReturned,
};
use crate::session::journal::Entry;
use crate::session::packages::Packages;
use crate::session::state::Attempt;
use crate::spec::{Check, Group};
use crate::stage::notes::Notes;
use crate::stage::waiting::{free_agent, note_turn};
use crate::stage::{Context, attic};

/// What an attempt is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    pub number: u32,
    /// Counted within the role, for the provider.
    pub number_in_role: u32,
    pub role: Role,
    pub base: Base,
    /// The commit on which acceptance checks must fail: without any of the group's work.
    pub start: Oid,
    pub brief: String,
    /// Checks besides the group's own: the reproduction of what is to be repaired.
    pub extra: Vec<Check>,
    pub notes: Notes,
}

/// How it ended, for whoever decides what comes next.
#[derive(Debug, Clone)]
pub struct AttemptResult {
    pub outcome: AttemptOutcome,
    /// A turn that failed for a reason that trying again does not mend.
    pub hopeless: Option<String>,
    /// The provider asks to wait.
    pub waits: bool,
    /// The branch was moved by hand meanwhile; the work is kept under this ref.
    pub archived: Option<String>,
}

pub fn attempt(
    ctx: &Context<'_>,
    group: &Group,
    held: &Held<GroupLock>,
    plan: &Plan,
) -> Result<AttemptResult> {
    // Before anything is announced: without an agent, or money, there is no attempt.
    let agent = free_agent(ctx.ws, ctx.session, plan.role)?;
    ctx.deadline.check(ctx.sid())?;
    require_provider(plan.role, &agent)?;
    ctx.check_budget()?;
    let mut prompt = packet::prompt(ctx, group, plan)?;
    let started = ctx.session.append(
        ctx.ws,
        Entry::attempt(
            &group.id,
            plan.number,
            AttemptStarted {
                role: plan.role.word().into(),
                base: plan.base.commit,
                dep_heads: plan.base.dep_heads.clone(),
                start: plan.start,
                provider: agent.provider.clone().unwrap_or_else(|| "none".into()),
                model: agent.model.clone(),
                spec: ctx.spec_sha256(),
            },
        ),
    )?;
    ctx.report.say(&format!(
        "{}: attempt {}{}",
        group.id,
        plan.number,
        if plan.brief.is_empty() { "" } else { ", told what was wrong" }
    ));
    let owner = ctx.owner(&group.id, plan.number);
    let worktree = ctx.pool.lease(plan.start, Some(&owner))?;
    ctx.append(Entry::attempt(
        &group.id,
        plan.number,
        WorktreeLeased {
            slot: worktree.slot.clone(),
            path: worktree.path.display().to_string(),
            commit: plan.start,
        },
    ))?;
    let packages = match ctx.prepare(&worktree, plan.start)? {
        Ok(packages) => packages,
        Err(why) if plan.start != plan.base.commit => {
            // What the attempt before left breaks it: the agent is told, and it is judged.
            prompt.push_str(&format!("\n## Preparing this folder fails\n\n{}", quoted(&why)));
            Packages::default()
        }
        Err(why) => {
            let what = "the worktree could not be prepared";
            finish(ctx, group, plan.number, &Ended::nothing(plan.base.commit, what))?;
            worktree.release()?;
            return Err(Error::machine(what)
                .because(why)
                .hint("mend `prepare:` in otto.yaml or the spec"));
        }
    };
    packet::write(ctx, group, plan)?;
    let (result, talk) = match work(ctx, group, plan, &agent, (&worktree, &packages), &prompt) {
        Ok(done) => done,
        Err(e) => {
            // What it wrote before the turn broke is judged on resume, like what a kill left.
            if !matches!(snapshot(ctx, plan, &worktree)?, Ok(made) if made.nothing_new) {
                return Err(e);
            }
            finish(ctx, group, plan.number, &Ended::nothing(plan.base.commit, &e.to_string()))?;
            worktree.release()?;
            return Err(e);
        }
    };
    let provider = agent.provider.as_deref().unwrap_or_default();
    let told =
        Told { waits: note_turn(ctx.ws, ctx.session, provider, started.seq, &result)?, talk };
    settle(ctx, group, held, plan, worktree, Some((&result, told)), started.at)
}

/// Judges what a stopped attempt left in its worktree, as if the agent had just ended.
pub fn settle_open(
    ctx: &Context<'_>,
    group: &Group,
    held: &Held<GroupLock>,
    open: &Attempt,
    worktree: Worktree,
    extra: Vec<Check>,
) -> Result<AttemptResult> {
    let plan = Plan {
        number: open.number,
        number_in_role: open.number,
        role: Role::Build,
        base: Base { commit: open.base, dep_heads: open.dep_heads.clone() },
        start: open.start,
        brief: String::new(),
        extra,
        notes: Notes::default(),
    };
    if worktree.rebooted {
        restore_foreign(ctx, group, &plan, &worktree)?;
    }
    settle(ctx, group, held, &plan, worktree, None, open.started)
}

/// A power cut leaves files empty or torn that nobody wrote to, because nothing in a worktree is
/// synced. What is not the group's to change is made what it was, so that the agent is not blamed
/// for it; what is the group's is judged as it is.
fn restore_foreign(
    ctx: &Context<'_>,
    group: &Group,
    plan: &Plan,
    worktree: &Worktree,
) -> Result<()> {
    let Ok(snapshot) = worktree.snapshot(plan.base.commit, &ctx.prepared_paths()) else {
        // It is judged as what cannot be committed.
        return Ok(());
    };
    let repo = &ctx.ws.repo;
    let changes = repo.changes(repo.tree_of(plan.start)?, snapshot.tree)?;
    let foreign = violations(ctx, group, repo.tree_of(plan.base.commit)?, &changes)?;
    if foreign.is_empty() {
        return Ok(());
    }
    let paths: Vec<&str> = foreign.iter().map(|v| v.path.as_str()).collect();
    ctx.report.say(&format!(
        "{}: the machine was started again during attempt {}; restored, being nothing of the group's: {}",
        group.id,
        plan.number,
        one_line(&paths.join(", "), 200)
    ));
    let changes: Vec<&Change> =
        changes.iter().filter(|c| paths.contains(&c.path.as_str())).collect();
    worktree.restore(&changes, plan.start)
}

/// What a turn said besides its work.
struct Told {
    /// The provider asks to wait; the wake-up is recorded.
    waits: bool,
    talk: Option<Conversation>,
}

/// Commit, branch, judgement, record. Whatever the agent left has an end here: an `Err` is this
/// machine's fault and leaves the attempt open, to be settled again.
fn settle(
    ctx: &Context<'_>,
    group: &Group,
    held: &Held<GroupLock>,
    plan: &Plan,
    worktree: Worktree,
    turn: Option<(&TurnResult, Told)>,
    started: jiff::Timestamp,
) -> Result<AttemptResult> {
    let (turn, told) = turn.unzip();
    let clock = std::time::Instant::now();
    let mut ended = Ended::new(plan.base.commit);
    ended.turn = turn.map_or_else(|| "interrupted".into(), TurnResult::word);
    ended.claim = turn.map(|t| one_line(&t.claim, 2000)).unwrap_or_default();
    let waits = told.as_ref().is_some_and(|t| t.waits);
    let cut = waits || turn.is_none_or(TurnResult::was_cut);
    ended.talk = told.and_then(|t| t.talk);
    let mut refused = None;
    let mut archived = None;
    match snapshot(ctx, plan, &worktree)? {
        Err(violation) => ended.violation(violation),
        Ok(made) => {
            ended.left_out = made.left_out;
            ended.files = made.changes.len() as u32;
            let failed = turn.is_some_and(|t| t.error.is_some());
            if made.nothing_new && cut {
                ended.judgement.outcome = AttemptOutcome::Interrupted;
            } else if made.nothing_new && failed {
                ended.judgement.outcome = AttemptOutcome::TurnFailed;
                ended.judgement.fingerprint = Some(Sha256::of(ended.turn.as_bytes()));
            } else if made.changes.is_empty() {
                ended.judgement.outcome = AttemptOutcome::NoChange;
                ended.judgement.fingerprint = Some(Sha256::of(b"no change"));
            } else if let Err(e) = worktree.refuse_filtered(plan.base.commit, &made.changes) {
                // Not on a branch, where it could land; but what was made is kept (I3).
                let left = NewCommit {
                    tree: made.tree,
                    parents: &[plan.start],
                    message: &attic::message(&group.id, plan.number),
                    at: started,
                };
                attic::keep(ctx, &group.id, plan.number, &left)?;
                ended.violation(Violation {
                    path: ".gitattributes".into(),
                    rule: Rule::Filter,
                    why: e.to_string(),
                });
                refused = Some(e);
            } else {
                match commit_work(ctx, group, held, plan, made.tree, started)? {
                    Committed::Moved { commit, tree } => {
                        write_patch(ctx, group, plan, tree)?;
                        ended.judgement =
                            judge(ctx, group, plan.number, commit, plan.base.commit, &plan.extra)?;
                        ended.commit = Some((commit, tree));
                    }
                    // A person's commit is on the branch; it is judged next, and ours is kept.
                    Committed::Archived(name) => {
                        ended.judgement.outcome = AttemptOutcome::Interrupted;
                        archived = Some(name);
                    }
                }
            }
        }
    }
    ended.brief = brief(ctx, &ended.judgement, plan.base.commit, turn);
    if cut && ended.commit.is_some() && ended.judgement.outcome != AttemptOutcome::Passing {
        // Not what the agent would have handed in: it goes on from there, and nothing is held
        // against it.
        ended.judgement.outcome = AttemptOutcome::Interrupted;
        ended.judgement.fingerprint = None;
        ended.brief = format!("You were stopped in the middle. As it stands:\n\n{}", ended.brief);
    }
    ended.duration_s = clock.elapsed().as_secs_f64();
    finish(ctx, group, plan.number, &ended)?;
    let slot = worktree.slot.clone();
    worktree.release()?;
    ctx.append(Entry::attempt(&group.id, plan.number, WorktreeReturned { slot }))?;
    if let Some(e) = refused {
        return Err(e);
    }
    crate::process::stop::check()?;
    let is_over = turn.is_some_and(|t| t.ending == Ending::TimedOut);
    if is_over && ended.judgement.outcome == AttemptOutcome::Interrupted {
        // What is kept for landing is not for another turn.
        return Err(ctx.deadline.spent(ctx.sid()));
    }
    Ok(AttemptResult {
        outcome: ended.judgement.outcome,
        hopeless: turn.and_then(hopeless),
        waits,
        archived,
    })
}

/// What an attempt left in its worktree.
struct Made {
    tree: Oid,
    changes: Vec<Change>,
    left_out: Vec<String>,
    /// Nothing differs from where the attempt started.
    nothing_new: bool,
}

/// The tree of the worktree, or why it cannot be one: that is the agent's doing and is judged, as
/// long as the machine is well.
fn snapshot(
    ctx: &Context<'_>,
    plan: &Plan,
    worktree: &Worktree,
) -> Result<std::result::Result<Made, Violation>> {
    const MACHINE: [&str; 4] =
        ["No space left", "Read-only file system", "Input/output error", "Disk quota"];
    let repo = &ctx.ws.repo;
    if !worktree.is_ours() {
        return Ok(Err(Violation {
            path: ".".into(),
            rule: Rule::Folder,
            why: "the working folder was removed".into(),
        }));
    }
    let snapshot = match worktree.snapshot(plan.base.commit, &ctx.prepared_paths()) {
        Ok(snapshot) => snapshot,
        Err(e) if MACHINE.iter().any(|m| e.to_string().contains(m)) => return Err(e),
        Err(e) => {
            let why = format!(
                "what is in the folder cannot be committed: {}",
                one_line(&e.to_string(), 300)
            );
            return Ok(Err(Violation { path: ".".into(), rule: Rule::Folder, why }));
        }
    };
    if let Some(path) = filled_submodule(ctx, plan.base.commit, worktree)? {
        let why = "it is a submodule, and what is written there is not part of this project".into();
        return Ok(Err(Violation { path, rule: Rule::Submodule, why }));
    }
    let changes = repo.changes(repo.tree_of(plan.base.commit)?, snapshot.tree)?;
    let touched = repo.changes(repo.tree_of(plan.start)?, snapshot.tree)?;
    Ok(Ok(Made {
        tree: snapshot.tree,
        changes,
        left_out: snapshot.left_out,
        nothing_new: touched.is_empty(),
    }))
}

/// git does not look into the folder of a submodule, which is empty in our worktrees: what an agent
/// puts there would vanish without a word.
fn filled_submodule(ctx: &Context<'_>, base: Oid, worktree: &Worktree) -> Result<Option<String>> {
    if ctx.ws.repo.file_at(base, ".gitmodules")?.is_none() {
        return Ok(None);
    }
    let links = ctx.ws.repo.gitlinks_of(base)?;
    Ok(links.into_iter().find(|path| {
        worktree.path.join(path).read_dir().is_ok_and(|mut entries| entries.next().is_some())
    }))
}

fn write_patch(ctx: &Context<'_>, group: &Group, plan: &Plan, tree: Oid) -> Result<()> {
    let patch = ctx.ws.repo.patch(ctx.ws.repo.tree_of(plan.start)?, tree)?;
    let dir = ctx.session.layout.build_attempt(&group.id, plan.number);
    disk::replace(&dir.join("changes.patch"), &ctx.secrets().hide_bytes(&patch))
}

/// What is recorded about the end.
struct Ended {
    judgement: Judgement,
    commit: Option<(Oid, Oid)>,
    base: Oid,
    files: u32,
    left_out: Vec<String>,
    brief: String,
    turn: String,
    claim: String,
    duration_s: f64,
    talk: Option<Conversation>,
}

impl Ended {
    fn new(base: Oid) -> Self {
        Self {
            judgement: Judgement {
                outcome: AttemptOutcome::Interrupted,
                changes: Vec::new(),
                violations: Vec::new(),
                red: Vec::new(),
                fingerprint: None,
            },
            commit: None,
            base,
            files: 0,
            left_out: Vec::new(),
            brief: String::new(),
            turn: String::new(),
            claim: String::new(),
            duration_s: 0.0,
            talk: None,
        }
    }

    /// There was no turn.
    fn nothing(base: Oid, why: &str) -> Self {
        Self { turn: one_line(why, 200), ..Self::new(base) }
    }

    fn violation(&mut self, violation: Violation) {
        self.judgement.outcome = AttemptOutcome::Violation;
        self.judgement.fingerprint = Some(Sha256::of(violation.why.as_bytes()));
        self.judgement.violations.push(violation);
    }
}

fn finish(ctx: &Context<'_>, group: &Group, number: u32, ended: &Ended) -> Result<()> {
    let judgement = &ended.judgement;
    let end = AttemptFinished {
        outcome: judgement.outcome,
        commit: ended.commit.map(|c| c.0),
        tree: ended.commit.map(|c| c.1),
        files: ended.files,
        violations: judgement.violations.clone(),
        left_out: ended.left_out.clone(),
        fingerprint: judgement.fingerprint,
        brief: ended.brief.clone(),
        turn: ended.turn.clone(),
        claim: ended.claim.clone(),
        duration_s: ended.duration_s,
        boot: crate::process::boot_id(),
        conversation: ended.talk.clone(),
    };
    let end = end.retold(|text| ctx.secrets().hide(text));
    let dir = ctx.session.layout.build_attempt(&group.id, number);
    disk::replace_json(&dir.join("outcome.json"), &end)?;
    let mut entries = vec![Entry::attempt(&group.id, number, end)];
    if let (AttemptOutcome::Passing, Some((commit, tree))) = (judgement.outcome, ended.commit) {
        let passing = GroupPassing { commit, tree, base: ended.base };
        entries.push(Entry::attempt(&group.id, number, passing));
    }
    ctx.session.append_with(ctx.ws, |_| Ok(entries)).map(drop)
}

fn hopeless(turn: &TurnResult) -> Option<String> {
    let (class, message) = turn.error.as_ref()?;
    class.is_lasting().then(|| format!("{}: {}", class.word(), one_line(message, 200)))
}
