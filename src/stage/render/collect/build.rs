//! Groups, their attempts, and what landed.

use super::super::packet::{At, Attempt, AttemptOutcome, Group, GroupState, Landing, PathNote};
use super::{Source, usage};
use crate::base::text::one_line;
use crate::check::{Outcome, Status};
use crate::git::Repo;
use crate::session::event::{CheckPhase, Event};
use crate::session::state::{self, AttemptEnd, Phase};
use crate::session::{Record, SYNC, event};

/// Characters of a reason; the whole brief is in the session's folder.
const REASON: usize = 400;
/// Characters of what one check saw.
const SAW: usize = 200;

/// The spec's groups in its order, then those that only the journal knows.
pub(super) fn groups(src: &Source<'_>) -> Vec<Group> {
    let mut out: Vec<Group> = src
        .spec
        .groups
        .iter()
        .map(|g| group(src, &g.id, g.title.clone(), g.deps.clone()))
        .collect();
    for id in src.state.groups.keys().filter(|id| src.spec.group(id).is_none()) {
        out.push(group(src, id, "(not in the spec)".to_owned(), Vec::new()));
    }
    out
}

fn group(src: &Source<'_>, id: &str, title: String, deps: Vec<String>) -> Group {
    let unknown = state::GroupState::default();
    let found = src.state.group(id).unwrap_or(&unknown);
    let (state, reason) = standing(src, id, found);
    let attempts =
        found.attempts.iter().map(|a| attempt(src, id, found, a)).collect::<Vec<Attempt>>();
    Group { id: id.to_owned(), title, deps, state, reason, attempts }
}

fn standing(src: &Source<'_>, id: &str, group: &state::GroupState) -> (GroupState, String) {
    let (state, mut reason) = match &group.phase {
        Phase::Pending if group.attempts.is_empty() => (GroupState::Waiting, String::new()),
        Phase::Pending | Phase::Building { .. } => (GroupState::Running, String::new()),
        Phase::Passing { .. } => (GroupState::Passing, String::new()),
        Phase::Failed { reason } => (GroupState::Failed, reason.clone()),
        Phase::Blocked { by } => (GroupState::Blocked, format!("It waits for {}.", by.join(", "))),
        Phase::Invalidated { reason, brief, .. } => {
            let why = match reason {
                event::Invalid::Conflict => "it conflicts with what landed before it",
                event::Invalid::RedCandidate => "a check was red on its merge",
                event::Invalid::Violation => "its merge changes what it may not",
                event::Invalid::SpecChanged => "the spec changed",
                event::Invalid::Pilot => "the pilot took it up again",
                event::Invalid::Again => "somebody asked for it",
            };
            let told = match reason {
                event::Invalid::RedCandidate => red(&src.records, id, None, CheckPhase::Candidate),
                _ => one_line(brief, REASON),
            };
            (GroupState::Running, format!("Sent back: {why}.\n{told}").trim_end().to_owned())
        }
        Phase::Landed => (GroupState::Landed, String::new()),
        Phase::Redundant { held_by } => {
            (GroupState::Redundant, format!("{held_by} holds the same work already."))
        }
        Phase::Aborted { reason } => (GroupState::Aborted, reason.clone()),
    };
    if let (Some(landing), false) = (&group.landed, group.phase.is_in()) {
        let landed = format!("It landed as {} and was reopened.", landing.new.short());
        reason = format!("{landed} {reason}").trim_end().to_owned();
    }
    (state, reason)
}

fn attempt(
    src: &Source<'_>,
    id: &str,
    group: &state::GroupState,
    attempt: &state::Attempt,
) -> Attempt {
    let usage = usage::of_attempt(&src.records, id, attempt.number);
    let common = Attempt {
        number: attempt.number,
        role: attempt.role.clone(),
        started: At(attempt.started),
        finished: None,
        outcome: AttemptOutcome::Running,
        reason: String::new(),
        // A person's commit has no provider.
        provider: Some(attempt.provider.clone())
            .filter(|p| !p.is_empty() && attempt.role != "manual"),
        summary: String::new(),
        files_changed: Vec::new(),
        left_out: Vec::new(),
        violations: Vec::new(),
        commit: None,
        usage,
    };
    let Some(end) = &attempt.finished else {
        let last = group.attempts.last().is_some_and(|a| a.number == attempt.number);
        if last && matches!(group.phase, Phase::Building { .. }) && !src.is_over() {
            return common;
        }
        let reason = "It was cut off; nobody saw it end.".to_owned();
        return Attempt { outcome: AttemptOutcome::Interrupted, reason, ..common };
    };
    Attempt {
        finished: Some(At(end.at)),
        outcome: match end.outcome {
            event::AttemptOutcome::Passing => AttemptOutcome::Passed,
            event::AttemptOutcome::ChecksFailed => AttemptOutcome::Failed,
            event::AttemptOutcome::Violation => AttemptOutcome::Violation,
            event::AttemptOutcome::NoChange => AttemptOutcome::Empty,
            event::AttemptOutcome::TurnFailed => AttemptOutcome::ProviderError,
            event::AttemptOutcome::Interrupted => AttemptOutcome::Interrupted,
        },
        reason: why(src, id, attempt.number, end),
        summary: end.claim.clone(),
        files_changed: files(src, attempt, end),
        left_out: end
            .left_out
            .iter()
            .map(|path| PathNote { path: src.secrets.hide(path), why: "ignored by git".to_owned() })
            .collect(),
        violations: end
            .violations
            .iter()
            .map(|v| PathNote { path: src.secrets.hide(&v.path), why: v.why.clone() })
            .collect(),
        commit: end.commit.map(|c| c.to_string()),
        ..common
    }
}

/// The checks that were not green, each with what it saw, as the group's last look in that phase
/// tells them. Empty where none was recorded.
fn red(records: &[Record], group: &str, attempt: Option<u32>, phase: CheckPhase) -> String {
    let mut last: Vec<(&str, Option<String>)> = Vec::new();
    for record in records.iter().filter(|r| r.group.as_deref() == Some(group)) {
        let Event::GroupChecked(e) = &record.event else { continue };
        if e.phase != phase || (attempt.is_some() && record.attempt != attempt) {
            continue;
        }
        let saw = e.outcome.read::<Outcome>().map_or_else(
            |_| Some("its record cannot be read".to_owned()),
            |o| (!o.is_pass()).then(|| saw(&o)),
        );
        match last.iter_mut().find(|(id, _)| *id == e.check) {
            Some(known) => known.1 = saw,
            None => last.push((&e.check, saw)),
        }
    }
    let red: Vec<String> =
        last.into_iter().filter_map(|(id, saw)| Some(format!("`{id}`: {}", saw?))).collect();
    red.join("\n")
}

fn saw(outcome: &Outcome) -> String {
    let said = match outcome.detail() {
        "" => outcome.reason().word().replace('_', " "),
        detail => one_line(detail, SAW),
    };
    match outcome.status() {
        Status::NotRun => format!("not run, {said}"),
        Status::Passed | Status::Failed => said,
    }
}

fn why(src: &Source<'_>, group: &str, number: u32, end: &AttemptEnd) -> String {
    let turn = || match end.turn.as_str() {
        "" => String::new(),
        word => format!("The turn ended with `{word}`."),
    };
    match end.outcome {
        event::AttemptOutcome::Passing => String::new(),
        event::AttemptOutcome::TurnFailed | event::AttemptOutcome::Interrupted => {
            format!("{} {}", turn(), one_line(&end.brief, REASON)).trim().to_owned()
        }
        event::AttemptOutcome::ChecksFailed => {
            match red(&src.records, group, Some(number), CheckPhase::Attempt) {
                none if none.is_empty() => one_line(&end.brief, REASON),
                red => format!("Not green:\n{red}"),
            }
        }
        event::AttemptOutcome::Violation | event::AttemptOutcome::NoChange => {
            // The brief's layout is for the next attempt; here it is one paragraph.
            let words: Vec<&str> = end.brief.split_whitespace().collect();
            one_line(&words.join(" "), REASON)
        }
    }
}

/// Paths that differ from what the attempt is compared with. None where git no longer has the
/// commits: how many there were is in the journal, which they were is not.
fn files(src: &Source<'_>, attempt: &state::Attempt, end: &AttemptEnd) -> Vec<String> {
    let Some(tree) = end.tree else { return Vec::new() };
    let repo = &src.ws.repo;
    let changes = repo.tree_of(attempt.base).and_then(|base| repo.changes(base, tree));
    changes.map(|all| all.iter().map(|c| src.secrets.hide(&c.path)).collect()).unwrap_or_default()
}

pub(super) fn landings(src: &Source<'_>, repo: &Repo) -> Vec<Landing> {
    let ours = |group: &str| !group.starts_with(SYNC) && src.state.groups.contains_key(group);
    src.state
        .landings
        .iter()
        .map(|l| Landing {
            group: Some(l.group.clone()).filter(|g| ours(g)),
            old: l.old.to_string(),
            new: l.new.to_string(),
            tested_commit: l.tested_commit.to_string(),
            tree: l.tree.to_string(),
            at: At(l.at),
            subject: repo.commit(l.new).map_or_else(
                |_| "(the commit is no longer in the repository)".to_owned(),
                |commit| commit.subject().to_owned(),
            ),
        })
        .collect()
}
