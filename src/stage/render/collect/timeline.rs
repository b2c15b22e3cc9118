//! The events worth a mark, in plain words.

use super::super::packet::{self, At};
use super::Source;
use crate::base::text::{count, one_line};
use crate::session::event::AuditScope;
use crate::session::{Event, Record};

pub(super) fn timeline(src: &Source<'_>) -> Vec<packet::Event> {
    let event = |r: &Record| {
        Some(packet::Event {
            at: At(r.at),
            group: r.group.clone(),
            label: label(r)?,
            kind: r.event.kind().to_owned(),
        })
    };
    src.records.iter().filter_map(event).collect()
}

/// What the last landing on the target was accepted as, where it was not `passed`.
pub(super) fn accepted(records: &[Record]) -> Option<packet::Accepted> {
    let landed = records.iter().rposition(|r| matches!(r.event, Event::LandLanded(_)))?;
    let begun = records[..landed].iter().rev().find_map(|r| match &r.event {
        Event::LandStarted(e) => Some(e),
        _ => None,
    })?;
    let (verdict, by, target) = (begun.accepted.clone()?, begun.by.clone(), begun.target.clone());
    Some(packet::Accepted { verdict, by, target })
}

/// `None`: it is told elsewhere on the page, or it is only housekeeping.
fn label(record: &Record) -> Option<String> {
    let attempt = record.attempt.map_or_else(|| "Attempt".to_owned(), |n| format!("Attempt {n}"));
    let line = |text: &str| one_line(text, 160);
    Some(match &record.event {
        Event::SessionCreated(_) => "Session created".to_owned(),
        Event::SpecCompiled(e) => format!("Spec compiled in {}", count(e.turns as usize, "turn")),
        Event::SpecEdited(_) => "Spec edited".to_owned(),
        Event::SpecApproved(e) => format!("Spec approved by {}", e.by),
        Event::SpecRejected(e) => format!("Spec rejected by {}: {}", e.by, line(&e.note)),
        Event::SpecAmended(e) => format!("Spec amended: {}", line(&e.reason)),
        Event::SpecRequested(e) if e.problems.is_empty() => {
            format!("Asks for a change of the spec: {}", line(&e.reason))
        }
        Event::SpecRequested(_) => "Its amendment of the spec was refused".to_owned(),
        Event::SpecAnswered(e) => {
            let word = if e.accepted { "accepted" } else { "declined" };
            format!("Request {} {word} by {}", e.request, e.by)
        }
        Event::AttemptStarted(e) => format!("{attempt} ({}) began", e.role),
        Event::AttemptFinished(e) => format!("{attempt}: {}", e.outcome.word()),
        Event::GroupPassing(_) => "Its checks pass".to_owned(),
        Event::GroupFailed(e) => format!("Failed: {}", line(&e.reason)),
        Event::GroupBlocked(e) => format!("Blocked by {}", e.by.join(", ")),
        Event::GroupInvalidated(e) => format!("Sent back: {}", line(&e.brief)),
        Event::GroupAborted(e) => format!("Aborted: {}", line(&e.reason)),
        Event::MergeLanded(e) => format!("Landed as {}", e.new.short()),
        Event::MergeConflict(e) => {
            format!("Conflict in {}", count(e.conflicts.len(), "path"))
        }
        Event::MergeRedundant(e) => format!("Its work is already in {}", e.held_by.short()),
        Event::MergeRefused(e) => format!("Not landed: {}", line(&e.reason)),
        Event::MergeAdopted(e) => format!("Moved by hand to {}, adopted", e.new.short()),
        Event::WorkArchived(e) => format!("Kept {} as {}", e.commit.short(), e.name),
        Event::AuditStarted(e) => match e.scope {
            AuditScope::Full => format!("Audit round {} of {}", e.round, e.tip.short()),
            AuditScope::Narrowed => format!("Audit round {}, what failed before", e.round),
        },
        Event::AuditFinding(e) => format!("Found: {}", line(&e.finding.text)),
        Event::AuditFinished(e) => format!("Audit round {} is over", e.round),
        Event::RepairStarted(e) => format!("Repair of {}", count(e.findings.len(), "finding")),
        Event::RepairFinished(e) => format!("Repair: {}", line(&e.outcome)),
        Event::RepairStopped(e) => format!("Repair ended: {}", e.reason.word()),
        Event::PilotDecided(e) => match &e.error {
            Some(why) => format!("The pilot gave no answer: {}", line(why)),
            None => "The pilot decided how to go on".to_owned(),
        },
        Event::ProviderWaiting(e) => format!("{} waits until {}: {}", e.provider, e.until, e.class),
        Event::ProviderWoken(e) => format!("{} goes on", e.provider),
        Event::RunPaused(e) => format!("Paused: {}", line(&e.reason)),
        Event::RunResumed(_) => "Resumed".to_owned(),
        Event::RunAborted(e) => format!("Aborted: {}", line(&e.reason)),
        Event::RunFinished(e) => format!("Run finished with exit code {}", e.exit),
        Event::LandStarted(e) => match &e.accepted {
            None => format!("Landing on {} began", e.target),
            Some(word) => {
                let by = e.by.as_ref().map_or(String::new(), |by| format!(" by {by}"));
                format!("Landing on {} began, accepted as {word}{by}", e.target)
            }
        },
        Event::LandLanded(e) => format!("Landed on {} as {}", e.target, e.new.short()),
        Event::LandRefused(e) => format!("Not landed on {}: {}", e.target, line(&e.reason)),
        Event::Unknown { kind, .. } => format!("An event that this program does not know: {kind}"),
        Event::WorktreeLeased(_)
        | Event::WorktreeReturned(_)
        | Event::GroupStarted(_)
        | Event::GroupChecked(_)
        | Event::CheckMutated(_)
        | Event::CandidateBuilt(_)
        | Event::MergeStarted(_)
        | Event::PilotAsked(_)
        | Event::AuditChecked(_)
        | Event::ServiceStarted(_)
        | Event::ServiceStopped(_)
        | Event::BudgetSpent(_) => return None,
    })
}
