//! What a builder says about the spec, in a file that is never committed: checks that it adds to
//! itself are taken at once, so that they judge this very attempt; everything else is a request that
//! a person sees. Nothing of it stops the attempt.
//!
//! The file is copied beside the attempt, then acted on, then removed from the worktree: a kill in
//! between finds it again, and doing it twice changes nothing.

use std::path::Path;

use serde_json::Value;

use super::attempt::Plan;
use super::group::unproven;
use crate::base::text::one_line;
use crate::base::{Json, Result, Sha256};
use crate::disk::{self, Refused};
use crate::git::Worktree;
use crate::session::event::SpecRequested;
use crate::session::journal::Entry;
use crate::spec::wish::{AMEND_FILE, AMEND_LIMIT, AmendFile, RowChange, with_checks};
use crate::spec::{Actor, Group, Refusal, Spec, append, check_change};
use crate::stage::Context;
use crate::stage::compile::amending::{Amending, Outcome, amend};

/// Acts on what the attempt left. Returns what its builder has to know, for the next brief.
pub(super) fn take_in(
    ctx: &Context<'_>,
    group: &Group,
    plan: &Plan,
    worktree: &Worktree,
) -> Result<String> {
    // A project's own file of that name is a file like any other.
    let is_ours =
        worktree.is_ours() && ctx.ws.repo.file_at(plan.base.commit, AMEND_FILE)?.is_none();
    if !is_ours {
        return Ok(String::new());
    }
    let path = Path::new(AMEND_FILE);
    let dir = ctx.session.layout.build_attempt(&group.id, plan.number);
    let kept = dir.join("amend.json");
    let found = match disk::read_only_name_beneath(&worktree.path, path, AMEND_LIMIT) {
        Ok(bytes) => {
            let bytes = ctx.secrets().hide_bytes(&bytes).into_owned();
            disk::replace(&kept, &bytes)?;
            Ok(bytes)
        }
        Err(Refused::Missing) => match disk::read_if_there(&kept)? {
            Some(bytes) => Ok(bytes),
            None => return Ok(String::new()),
        },
        Err(Refused::Outside) => Err("it is, or lies behind, a link".to_owned()),
        Err(Refused::Other(why)) => Err(why),
    };
    let asked = Asked { ctx, group, plan };
    let told = match found.and_then(|b| String::from_utf8(b).map_err(|_| "it is no text".into())) {
        Ok(text) => asked.act(&text)?,
        Err(why) => asked.refuse("", &[why])?,
    };
    // What cannot be removed is judged with everything else that is there.
    drop(disk::remove_beneath(&worktree.path, path));
    Ok(told)
}

/// One file of one attempt.
struct Asked<'a> {
    ctx: &'a Context<'a>,
    group: &'a Group,
    plan: &'a Plan,
}

impl Asked<'_> {
    fn act(&self, text: &str) -> Result<String> {
        let file = match AmendFile::parse(text) {
            Ok(file) => file,
            Err(problems) => return self.refuse(text, &problems),
        };
        let mut told = String::new();
        if !file.add_checks.is_empty() {
            told = self.add(text, &file)?;
        }
        if let Some(wish) = &file.wish {
            let change = (!wish.change.is_empty()).then_some(&wish.change);
            self.ask(&file.reason, &wish.text, change)?;
        }
        Ok(told)
    }

    /// Checks for the group itself.
    fn add(&self, text: &str, file: &AmendFile) -> Result<String> {
        let (gid, number) = (&self.group.id, self.plan.number);
        let actor = Actor::Group(gid.clone());
        let trigger = format!("attempt {number} of {gid}");
        loop {
            let now = self.ctx.now()?;
            let old = self.ctx.session.accepted_spec()?;
            let new = match with_checks(&old, gid, &file.add_checks) {
                Ok(new) => new,
                Err(problems) => {
                    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                    return self.refuse(text, &lines);
                }
            };
            if let Some(why) = self.beyond(&old, &new, &actor) {
                return self.beyond_its_tier(file, &why);
            }
            let mut added = self.group.clone();
            let known = old.group(gid).map(|g| g.checks.as_slice()).unwrap_or_default();
            added.checks = new.group(gid).map(|g| g.checks.clone()).unwrap_or_default();
            added.checks.retain(|c| !known.contains(c));
            let green = unproven(&now, &added, &now.state()?)?;
            if !green.is_empty() {
                let problem = format!(
                    "already green without this part's work, so they would prove nothing: {}",
                    green.join(", ")
                );
                return self.refuse(text, &[problem]);
            }
            let how = Amending { reason: &file.reason, actor: &actor, trigger: &trigger };
            match amend(self.ctx.ws, self.ctx.session, &old, new, &how)? {
                Outcome::Unchanged | Outcome::Amended(_) => break,
                Outcome::Raced => {}
            }
        }
        let ids: Vec<&str> = file.add_checks.iter().filter_map(|c| c["id"].as_str()).collect();
        self.ctx.report.say(&format!("{gid}: added to its own checks: {}", ids.join(", ")));
        Ok(String::new())
    }

    /// Why it is more than a group may do; `None` if it is not, or nothing at all.
    fn beyond(&self, old: &Spec, new: &Spec, actor: &Actor) -> Option<String> {
        let at = self.ctx.ws.clock.now();
        let linked = append(old, new.clone(), "-", actor, at, "");
        match check_change(old, &linked) {
            Err(why @ Refusal::NotAllowed { .. }) => Some(why.to_string()),
            Ok(_) | Err(_) => None,
        }
    }

    fn beyond_its_tier(&self, file: &AmendFile, why: &str) -> Result<String> {
        let change = RowChange { add_checks: file.add_checks.clone(), ..RowChange::default() };
        self.ask(&file.reason, why, Some(&change))?;
        Ok(format!(
            "\nWhat you wrote into {AMEND_FILE} is for a person to decide, and was passed on: {why}\n"
        ))
    }

    fn ask(&self, reason: &str, wish: &str, change: Option<&RowChange>) -> Result<()> {
        let change = change.map(Json::of).transpose()?;
        let value = change.as_ref().map_or(Value::Null, Json::value);
        self.note(SpecRequested {
            reason: one_line(reason, 500),
            wish: wish.trim().to_owned(),
            sha256: self.hash(&format!("{wish}\n{value}")),
            change,
            problems: Vec::new(),
        })?;
        self.ctx.report.say(&format!(
            "{}: asks for a change of the spec: otto spec requests {}",
            self.group.id,
            self.ctx.sid()
        ));
        Ok(())
    }

    fn refuse(&self, text: &str, problems: &[String]) -> Result<String> {
        let problems: Vec<String> = problems.iter().map(|p| one_line(p, 500)).collect();
        self.note(SpecRequested {
            reason: format!("{AMEND_FILE} was refused"),
            wish: String::new(),
            change: None,
            sha256: self.hash(&format!("{text}\n{}", problems.join("\n"))),
            problems: problems.clone(),
        })?;
        let list: String = problems.iter().map(|p| format!("- {p}\n")).collect();
        Ok(format!(
            "\n{AMEND_FILE} was refused, and nothing of it was taken:\n{list}Write it again without these problems, or do without it.\n"
        ))
    }

    /// Of the group and what it asks for: asked again in its next attempt, it is the same.
    fn hash(&self, text: &str) -> Sha256 {
        Sha256::of(format!("{}\n{text}", self.group.id).as_bytes())
    }

    fn note(&self, asked: SpecRequested) -> Result<()> {
        let entry = Entry::attempt(&self.group.id, self.plan.number, asked.clone());
        self.ctx
            .session
            .append_with(self.ctx.ws, |s| {
                let known = s.requests.iter().any(|r| r.sha256 == asked.sha256);
                Ok(if known { Vec::new() } else { vec![entry] })
            })
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::AMEND_FILE;

    #[test]
    fn builders_are_told_of_the_file() {
        let prompt = include_str!("../../../prompts/build.md");
        assert!(prompt.contains(AMEND_FILE));
    }
}
