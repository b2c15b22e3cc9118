//! Items as a person reads them.

use crate::base::text::{count, one_line};
use crate::check::before::Before;
use crate::stage::Item;

/// One line, or nothing where the item says nothing new to a person.
pub fn text_of(item: &Item) -> Option<String> {
    Some(match item {
        Item::Spec { sha256, features, groups, approved } => format!(
            "spec {}: {}, {}{}",
            &sha256[..12],
            count(*features, "feature"),
            count(*groups, "group"),
            if *approved { ", approved" } else { ", waiting for approval" }
        ),
        Item::Group { group, state, attempts, commit, reason } => {
            let mut text = format!("{group}: {state}");
            if *attempts > 0 {
                text.push_str(&format!(" after {}", count(*attempts as usize, "attempt")));
            }
            if let Some(commit) = commit {
                text.push_str(&format!(" at {}", commit.short()));
            }
            if !reason.is_empty() {
                text.push_str(&format!(": {}", one_line(reason, 200)));
            }
            text
        }
        Item::Landing { group, outcome, old: _, new, reason } => {
            let mut text = format!("{group}: {}", outcome.replace('_', " "));
            if let Some(new) = new {
                text.push_str(&format!(" as {}", new.short()));
            }
            if !reason.is_empty() {
                text.push_str(&format!(": {}", one_line(reason, 200)));
            }
            text
        }
        Item::Check { check, phase, group, outcome, cached } => {
            let outcome = outcome.value();
            let word = outcome["outcome"].as_str().unwrap_or("?");
            // On the base an acceptance check has to be red; that would only alarm.
            if *phase == "base" || (*cached && word == "passed") {
                return None;
            }
            let owner = group.as_ref().map_or(String::new(), |g| format!("{g}: "));
            let detail = outcome["detail"].as_str().unwrap_or("");
            let before = match serde_json::from_value::<Before>(outcome["before"].clone()) {
                Ok(before) => format!("\n  {}", one_line(&before.sentence(), 200)),
                Err(_) => String::new(),
            };
            let word = word.replace('_', " ");
            format!("{owner}check {check}: {word}  {}{before}", one_line(detail, 120))
        }
        Item::Control { check, group, control, kept: _, why } => {
            format!("{group}: check {check}: {}  {}", control.replace('_', " "), one_line(why, 160))
        }
        Item::Finding { finding } => {
            let kind = finding.kind.word();
            format!("found ({kind}, {}): {}", finding.severity, one_line(&finding.text, 200))
        }
        Item::Repair { group, strategy, findings, key: _ } => {
            let mut text = format!("{group}: to be repaired ({})", strategy.replace('_', " "));
            for (id, why) in findings {
                let why = if why.is_empty() { "the audit says so" } else { why };
                text.push_str(&format!("\n  - {id}: {}", one_line(why, 200)));
            }
            text
        }
        Item::Pilot { accepted, dropped, error, boundary: _ } => {
            super::pilot::text_of(accepted, dropped, error.as_deref())
        }
        Item::Verdict { verdict, tip, reasons } => {
            let mut text = format!("verdict: {verdict}");
            if let Some(tip) = tip {
                text.push_str(&format!("  ({})", tip.short()));
            }
            for reason in reasons {
                text.push_str(&format!("\n  - {}", one_line(reason, 200)));
            }
            text
        }
        Item::Proof { html, verdict, .. } => format!("proof ({verdict}): {html}"),
    })
}
