//! Events as sentences, for `otto log` and for whoever watches a run.

use super::event::{AttemptOutcome, AuditScope, Certifier, CheckPhase, Event, Invalid};
use super::journal::Record;
use super::state::State;
use crate::base::Json;
use crate::base::text::{count, one_line};

/// What a reader does with it: chatter is left out of a short log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    Chatter,
    News,
}

/// One line about an event. `state` is that after it: what was red is in the events before it.
pub fn tell(record: &Record, state: &State) -> (Weight, String) {
    use Weight::{Chatter, News};
    let red = |phase: CheckPhase| {
        let group = record.group.as_deref().and_then(|gid| state.group(gid));
        group.and_then(|g| g.red_words(phase))
    };
    let outcome_of = |outcome: &Json| {
        let value = outcome.value();
        let word = value["outcome"].as_str().unwrap_or("?").replace('_', " ");
        format!("{word}  {}", one_line(value["detail"].as_str().unwrap_or(""), 100))
    };
    match &record.event {
        Event::SessionCreated(e) => {
            let branch = e.target.as_deref().map_or("", |t| t.trim_start_matches("refs/heads/"));
            (News, format!("session from {branch} at {}", e.base.short()))
        }
        Event::SpecCompiled(e) => {
            let turns = if e.turns > 1 { format!(", {} answers", e.turns) } else { String::new() };
            (News, format!("spec {} from {}{turns}", e.sha256.short(), e.source))
        }
        Event::SpecEdited(e) => (News, format!("spec edited by hand, version {}", e.version)),
        Event::SpecApproved(e) => (News, format!("spec approved by {}", e.by)),
        Event::SpecRejected(e) => (News, format!("spec rejected by {}: {}", e.by, e.note)),
        Event::SpecAmended(e) => {
            let by = if e.by.is_empty() { String::new() } else { format!(" by {}", e.by) };
            (News, format!("spec amended{by}: {}", e.reason))
        }
        Event::SpecRequested(e) if e.problems.is_empty() => {
            (News, format!("asks for a change of the spec: {}", one_line(&e.reason, 100)))
        }
        Event::SpecRequested(e) => {
            let why = e.problems.first().map_or("", String::as_str);
            (News, format!("its amendment was refused: {}", one_line(why, 100)))
        }
        Event::SpecAnswered(e) => {
            let word = if e.accepted { "accepted" } else { "declined" };
            (News, format!("request {} {word} by {}", e.request, e.by))
        }
        Event::WorktreeLeased(e) => (Chatter, format!("worktree {} leased", e.slot)),
        Event::WorktreeReturned(e) => (Chatter, format!("worktree {} returned", e.slot)),
        Event::GroupStarted(_) => (Chatter, "started".into()),
        Event::AttemptStarted(e) => {
            (News, format!("attempt {} ({}, {})", record.attempt.unwrap_or(0), e.role, e.provider))
        }
        Event::AttemptFinished(e) => {
            let mut text = format!(
                "attempt {}: {}",
                record.attempt.unwrap_or(0),
                match e.outcome {
                    AttemptOutcome::TurnFailed => format!("{} ({})", e.outcome.word(), e.turn),
                    AttemptOutcome::ChecksFailed => match red(CheckPhase::Attempt) {
                        Some(red) => format!("{}: {red}", e.outcome.word()),
                        None => e.outcome.word().to_owned(),
                    },
                    other => other.word().to_owned(),
                }
            );
            if let Some(first) = e.violations.first() {
                let more = e.violations.len() - 1;
                text.push_str(&format!(" ({}", first.path));
                if more > 0 {
                    text.push_str(&format!(" and {more} more"));
                }
                text.push(')');
            }
            (News, text)
        }
        Event::GroupChecked(e) => {
            let cached = if e.cached { " (cached)" } else { "" };
            let phase = match e.phase {
                CheckPhase::Base => "on the base",
                CheckPhase::Attempt => "on the attempt",
                CheckPhase::Candidate => "on the candidate",
            };
            (Chatter, format!("check {} {phase}{cached}: {}", e.check, outcome_of(&e.outcome)))
        }
        Event::CheckMutated(e) => {
            let word = e.control.word().replace('_', " ");
            (News, format!("control of {}: {word}: {}", e.check, one_line(&e.why, 160)))
        }
        Event::GroupPassing(e) => (News, format!("passing at {}", e.commit.short())),
        Event::GroupFailed(e) => (News, format!("failed: {}", one_line(&e.reason, 240))),
        Event::GroupBlocked(e) => (News, format!("blocked by {}", e.by.join(", "))),
        Event::GroupInvalidated(e) => {
            let why = match e.reason {
                Invalid::Conflict => "it conflicts with what landed",
                Invalid::RedCandidate => "it is red when merged",
                Invalid::Violation => "merged, it changes what it may not",
                Invalid::SpecChanged => "the spec changed",
                Invalid::Pilot => "taken up again by the pilot",
                Invalid::Again => "a person asked for it",
            };
            let red = red(CheckPhase::Candidate).filter(|_| e.reason == Invalid::RedCandidate);
            let red = red.map_or(String::new(), |red| format!(": {red}"));
            (News, format!("back to its builder: {why}{red}"))
        }
        Event::GroupAborted(e) => (News, format!("aborted: {}", e.reason)),
        Event::CandidateBuilt(e) => (Chatter, format!("candidate {}", e.commit.short())),
        Event::MergeStarted(e) => (Chatter, format!("landing {}", e.new.short())),
        Event::MergeLanded(e) => (News, format!("landed as {}", e.new.short())),
        Event::MergeConflict(e) => {
            let paths: Vec<_> = e.conflicts.iter().map(|c| c.path.as_str()).collect();
            (News, format!("conflict in {}", paths.join(", ")))
        }
        Event::MergeRedundant(e) => {
            (News, format!("redundant: {} holds it already", e.held_by.short()))
        }
        Event::MergeRefused(e) => (News, format!("not landed: {}", one_line(&e.reason, 160))),
        Event::MergeAdopted(e) => (News, format!("adopted {} by hand", e.new.short())),
        Event::WorkArchived(e) => (News, format!("{} kept in {}", e.commit.short(), e.name)),
        Event::AuditStarted(e) => {
            let scope = match e.scope {
                AuditScope::Full => "full",
                AuditScope::Narrowed => "narrowed",
            };
            let mode = e.mode.map_or(String::new(), |mode| format!(", {}", mode.word()));
            (News, format!("audit {} ({scope}{mode}) of {}", e.round, e.tip.short()))
        }
        Event::AuditChecked(e) => {
            let name = e.scenario.as_ref().map_or(e.check.as_str(), |s| s.title.as_str());
            let asked = e.asked.as_ref().map_or(String::new(), |a| match a.again {
                true => " (found before)".into(),
                false => format!(" (the {} asked)", a.by.word()),
            });
            (Chatter, format!("audit: {name}{asked}: {}", outcome_of(&e.outcome)))
        }
        Event::AuditFinding(e) => {
            let kind = e.finding.kind.word();
            (News, format!("found ({kind}): {}", one_line(&e.finding.text, 160)))
        }
        Event::AuditFinished(e) => (
            News,
            match &e.adversary {
                None => {
                    format!(
                        "audit {} finished; certifier: {}",
                        e.round,
                        certifier_text(&e.certifier)
                    )
                }
                Some(adversary) => format!(
                    "audit {} finished; certifier: {}; adversary: {}",
                    e.round,
                    certifier_text(&e.certifier),
                    certifier_text(adversary)
                ),
            },
        ),
        Event::RepairStarted(e) => {
            (News, format!("repair of {}", count(e.findings.len(), "finding")))
        }
        Event::RepairFinished(e) => (News, format!("repair: {}", e.outcome)),
        Event::RepairStopped(e) => (News, format!("repair ended: {}", e.reason.word())),
        Event::PilotAsked(e) => (Chatter, format!("asking the pilot after {}", e.after.word())),
        Event::PilotDecided(e) => (News, pilot_text(e)),
        Event::ProviderWaiting(e) => {
            (News, format!("{} waits until {} ({})", e.provider, e.until, e.class))
        }
        Event::ProviderWoken(e) => (News, format!("{} goes on", e.provider)),
        Event::ServiceStarted(e) => (Chatter, format!("service {} on port {}", e.service, e.port)),
        Event::ServiceStopped(e) => (Chatter, format!("service {} stopped", e.service)),
        Event::RunPaused(e) => (News, format!("run paused: {}", one_line(&e.reason, 160))),
        Event::RunResumed(_) => (News, "run resumed".into()),
        Event::RunAborted(e) => (News, format!("run aborted: {}", e.reason)),
        Event::RunFinished(e) => (News, format!("run finished with exit {}", e.exit)),
        Event::LandStarted(e) => (Chatter, format!("landing on {}", e.target)),
        Event::LandLanded(e) => (News, format!("{} is at {} now", e.target, e.new.short())),
        Event::LandRefused(e) => (News, format!("not landed on {}: {}", e.target, e.reason)),
        Event::BudgetSpent(e) => (Chatter, format!("{}: {}", e.role, usage_text(&e.usage))),
        Event::Unknown { kind, .. } => (News, format!("{kind} (a newer Otto wrote this)")),
    }
}

/// What the pilot said of each group, and how much of its answer does not count.
pub fn pilot_text(e: &super::event::PilotDecided) -> String {
    if let Some(why) = &e.error {
        return format!("no answer of the pilot: {}", one_line(why, 160));
    }
    let groups = e.accepted.groups.iter();
    let mut parts: Vec<String> =
        groups.map(|(gid, p)| format!("{gid} {}", p.strategy.word())).collect();
    if !e.dropped.is_empty() {
        parts.push(format!("{} dropped", count(e.dropped.len(), "part")));
    }
    if parts.is_empty() {
        parts.push("nothing to change".into());
    }
    format!("pilot: {}", parts.join(", "))
}

fn certifier_text(certifier: &Certifier) -> String {
    match certifier {
        Certifier::None => "none: the audit is deterministic".into(),
        Certifier::Asked(a) if a.struck == 0 => a.provider.clone(),
        Certifier::Asked(a) => {
            let struck = count(a.struck as usize, "citation");
            format!("{}; {struck} struck: no such evidence", a.provider)
        }
        Certifier::Failed { provider, why } => format!("{provider} failed: {}", one_line(why, 160)),
        Certifier::NotAsked => "not asked".into(),
    }
}

/// Tokens and money as a person reads them; what was not reported is said to be so.
pub fn usage_text(usage: &super::event::Usage) -> String {
    let tokens = match (usage.input, usage.output) {
        (None, None) => "tokens not reported".to_owned(),
        (input, output) => format!(
            "{} in, {} out",
            input.map_or("?".into(), |n| n.to_string()),
            output.map_or("?".into(), |n| n.to_string())
        ),
    };
    let usd = usage.money().map(|usd| match (usage.usd, usage.estimated_usd) {
        (None, Some(_)) => format!("{usd:.4} USD (estimated)"),
        (Some(_), Some(guess)) if guess > 0.0 => format!("{usd:.4} USD (partly estimated)"),
        // What takes the place of an estimate.
        (Some(told), _) => format!("{told:.4} USD"),
        (None, None) => String::new(),
    });
    match usd {
        Some(usd) => format!("{tokens}, {usd}"),
        None => tokens,
    }
}
