//! One turn of a judge: a fresh worktree without its repository, the evidence beside it, and nothing
//! else. Afterwards it must be as it was, or the answer does not count.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Inquiry, Wrong, answer, prompt};
use crate::agent::{Inside, Turn, TurnResult, run_turn};
use crate::base::Result;
use crate::base::text::{count, one_line};
use crate::check::EvidenceRef;
use crate::disk;
use crate::git::Worktree;
use crate::process::stop;
use crate::session::config::{Agent, Role};
use crate::session::event::Judge;
use crate::session::layout::SessionLayout;
use crate::stage::spending::Spending;
use crate::stage::waiting::{free_agent, note_turn};

/// The provider, and its answer or why there is none.
pub(super) type Answer = (String, std::result::Result<Value, String>);

/// The folders of all turns of judges, in the order in which they were asked.
pub fn turn_dirs(layout: &SessionLayout) -> Result<Vec<PathBuf>> {
    let first = layout.audit_round(1);
    let audits = first.parent().expect("because a round lies in the folder of audits");
    let mut out = Vec::new();
    for round in numbered(audits, "round-")? {
        for judge in [Judge::Certifier, Judge::Adversary] {
            out.extend(Some(round.join(judge.word())).filter(|dir| dir.is_dir()));
            out.extend(numbered(&round, &format!("{}-", judge.word()))?);
        }
    }
    Ok(out)
}

/// The subfolders `<prefix>NN`, by number.
fn numbered(dir: &Path, prefix: &str) -> Result<Vec<PathBuf>> {
    let number = |name: &String| name.strip_prefix(prefix)?.parse::<u32>().ok();
    let mut found: Vec<(u32, PathBuf)> = disk::subdirs(dir)?
        .iter()
        .filter_map(|name| Some((number(name)?, dir.join(name))))
        .collect();
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

impl Inquiry<'_> {
    /// Where this turn is kept.
    pub(super) fn dir(&self) -> PathBuf {
        let round = self.ctx.session.layout.audit_round(self.round);
        match self.turns {
            1 => round.join(self.judge.word()),
            n => round.join(format!("{}-{n:02}", self.judge.word())),
        }
    }

    pub(super) fn turn(&self, wrong: Option<&Wrong>) -> Result<Answer> {
        let ctx = self.ctx;
        loop {
            ctx.check_budget()?;
            ctx.deadline.check(ctx.sid())?;
            let agent = free_agent(ctx.ws, ctx.session, Role::Certifier)?;
            let provider = agent.provider.clone().unwrap_or_default();
            ctx.report.say(&format!("asking the {} ({provider})", self.judge.word()));
            let worktree = ctx.pool.lease(self.tip, None)?;
            let began = ctx.session.position().seq;
            let result = self.ask(&agent, &worktree, wrong)?;
            let changed = worktree.differs(self.tip)?;
            disk::remove_dir_all(&worktree.beside())?;
            worktree.release()?;
            // Another provider may take over; with none free the next look says so.
            if note_turn(ctx.ws, ctx.session, &provider, began, &result)? {
                continue;
            }
            if result.was_cut() {
                // That it gave no answer is our doing: the audit is not over.
                stop::check()?;
                ctx.check_budget()?;
                ctx.deadline.check(ctx.sid())?;
            }
            return Ok((provider, self.said(&result, &changed)?));
        }
    }

    fn ask(&self, agent: &Agent, worktree: &Worktree, wrong: Option<&Wrong>) -> Result<TurnResult> {
        let ctx = self.ctx;
        worktree.without_git()?;
        let evidence = self.show_evidence(&worktree.beside())?;
        run_turn(&Turn {
            role: Role::Certifier,
            agent,
            session: ctx.sid(),
            group: None,
            attempt: self.answered()? + 1,
            inside: Inside::new(ctx.session, Role::Certifier, worktree)?.to_look(),
            dir: &self.dir(),
            prompt: &prompt::render(self, &evidence, wrong)?,
            schema: Some(&answer::schema()),
            // Blind: it knows nothing of an earlier round, and of this one what it is told.
            resume: None,
            state_dir: Some(&ctx.agent_dir(agent, Role::Certifier, None)?),
            max_turns: ctx.config().max_turns_per_call,
            ledger: &Spending::new(ctx.ws, ctx.session, Role::Certifier, agent),
            secrets: &ctx.config().secrets,
            now: ctx.ws.clock.now(),
            limit: ctx.deadline.left(),
        })
    }

    /// Answers of judges in this session.
    fn answered(&self) -> Result<u32> {
        let dirs = turn_dirs(&self.ctx.session.layout)?;
        Ok(dirs.iter().filter(|dir| dir.join("answer.json").is_file()).count() as u32)
    }

    fn said(
        &self,
        result: &TurnResult,
        changed: &[String],
    ) -> Result<std::result::Result<Value, String>> {
        Ok(match (&result.error, &result.structured) {
            _ if !changed.is_empty() => Err(format!(
                "it changed {} of the product that it judges: {}",
                count(changed.len(), "path"),
                one_line(&changed.join(", "), 160)
            )),
            (Some((class, message)), _) => {
                Err(format!("{}: {}", class.word(), one_line(message, 160)))
            }
            (None, None) => Err("it gave no answer".into()),
            (None, Some(value)) => {
                disk::replace_json(&self.dir().join("answer.json"), value)?;
                Ok(value.clone())
            }
        })
    }

    /// Copies what was captured into a folder, each file under its hash; returns it.
    fn show_evidence(&self, beside: &Path) -> Result<PathBuf> {
        let dir = beside.join("evidence");
        disk::remove_dir_all(beside)?;
        disk::place_dir(beside)?;
        disk::place_dir(&dir)?;
        let store = self.ctx.evidence();
        for reference in self.citable() {
            // What is lost is said by the verdict; it cannot be cited.
            if let Ok(bytes) = store.read(&reference) {
                disk::place_file(&dir.join(file_name(&reference, &bytes)), &bytes, false)?;
            }
        }
        Ok(dir)
    }

    /// What Otto's own processes captured in this audit, each once.
    pub(super) fn citable(&self) -> Vec<EvidenceRef> {
        let observed = self.observed.iter().map(|o| &o.outcome);
        let all = observed.chain(self.probes.iter().map(|p| &p.outcome));
        let mut out: Vec<EvidenceRef> = all.flat_map(|o| o.evidence().iter().copied()).collect();
        out.sort();
        out.dedup();
        out
    }
}

/// A file's hash, with an end by which readers know what it is.
fn file_name(reference: &EvidenceRef, bytes: &[u8]) -> String {
    let end = match bytes {
        [0x89, b'P', b'N', b'G', ..] => "png",
        [b'{', ..] if serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok() => "json",
        _ => "txt",
    };
    format!("{}.{end}", reference.0)
}
