//! Limits of the evidence that cap nothing, in plain words.

use super::ProductVerdict;
use super::seen::Seen;
use crate::base::text::{count, one_line};
use crate::session::State;
use crate::session::event::{Answered, AuditMode, Certifier, Control, LeftOut, Risk};
use crate::session::state::Audit;
use crate::spec::{Actor, CheckBody, Counts, Spec};

/// Of the audit that counts.
pub(super) fn of_audit(out: &mut ProductVerdict, audit: &Audit, seen: &[Seen<'_>]) {
    match (&audit.finished, audit.mode) {
        (Some(Certifier::NotAsked), Some(AuditMode::Fast)) => out.limit(
            "No certifier looked at the product: the mode of the audit was `fast`.".to_owned(),
        ),
        (None | Some(Certifier::None | Certifier::NotAsked), _) => {
            out.limit("No certifier looked at the product: the audit was deterministic.".to_owned())
        }
        (Some(Certifier::Failed { provider, why }), _) => out.limit(format!(
            "No certifier looked at the product: {provider} was asked and failed ({why})."
        )),
        (Some(Certifier::Asked(answered)), _) => struck(out, "certifier", answered),
    }
    attacked(out, audit);
    for out_of_it in &audit.left_out {
        let LeftOut { what, why } = out_of_it;
        out.limit(format!("Scenario `{what}` was not part of the audit: {why}."));
    }
    let had_an_exam = seen.iter().any(|s| s.scenario.is_some()) || !audit.left_out.is_empty();
    if !had_an_exam {
        out.limit(
            "No scenario was run: every check was written together with the spec.".to_owned(),
        );
    }
    for one in seen {
        if let Some(scenario) = one.scenario.filter(|s| !s.held_out) {
            let id = &scenario.id;
            out.limit(format!("Scenario `{id}` was not held out: builders could have read it."));
        }
        if one.flaky {
            let id = one.id;
            out.limit(format!("`{id}` is flaky: it failed, and passed when it was run again."));
        }
    }
    for probe in super::seen::failed_probes(audit) {
        if !audit.findings.iter().any(|f| f.check.as_deref() == Some(probe)) {
            out.limit(format!(
                "`{probe}`, which a judge asked for, failed, and nothing was made of it."
            ));
        }
    }
}

fn attacked(out: &mut ProductVerdict, audit: &Audit) {
    match (&audit.adversary, audit.mode) {
        (Some(Certifier::Asked(answered)), _) => {
            struck(out, "adversary", answered);
            for covered in answered.coverage.iter().filter(|c| c.probes.is_empty()) {
                out.limit(format!(
                    "Nobody attacked the product by {}: {}",
                    covered.risk.said(),
                    covered.not_applicable
                ));
            }
        }
        (
            Some(Certifier::Failed { .. } | Certifier::None | Certifier::NotAsked) | None,
            Some(mode),
        ) => {
            let risks: Vec<&str> = Risk::ALL.into_iter().map(Risk::said).collect();
            out.limit(format!(
                "Nobody attacked the product ({}): the mode of the audit was `{}`.",
                risks.join(", "),
                mode.word()
            ));
        }
        // Recorded before audits had modes: nobody ever did.
        (Some(Certifier::Failed { .. } | Certifier::None | Certifier::NotAsked) | None, None) => {}
    }
}

fn struck(out: &mut ProductVerdict, who: &str, answered: &Answered) {
    if answered.struck == 0 {
        return;
    }
    let which: Vec<String> =
        answered.citations.iter().map(|s| format!("{} ({})", s.cited, s.by)).collect();
    let which = if which.is_empty() { String::new() } else { format!(" {}", which.join(", ")) };
    out.limit(format!(
        "{} of the {who} {} struck: no such evidence.{which}",
        count(answered.struck as usize, "citation"),
        answered.provider,
    ));
}

/// Of how the product came to be.
pub(super) fn of_work(out: &mut ProductVerdict, spec: &Spec, state: &State) {
    for link in &spec.amendments {
        if let Ok(Actor::Group(gid)) = link.actor.parse() {
            let reason = one_line(&link.reason, 160);
            out.limit(format!("The builder of group `{gid}` added checks to it itself: {reason}"));
        }
    }
    for landing in state.landings.iter().filter(|l| l.group == "adopted") {
        out.limit(format!(
            "Commit {} was put into the product by a person and was not tested before it.",
            landing.new.short()
        ));
    }
    for (gid, group) in &state.groups {
        let landed = group.landed.as_ref().and_then(|l| l.attempt);
        let attempt = group.attempts.iter().find(|a| Some(a.number) == landed);
        let turn = attempt.and_then(|a| a.finished.as_ref()).map(|f| f.turn.as_str());
        if matches!(turn, Some("interrupted" | "stopped" | "timed out" | "ended without done")) {
            out.limit(format!(
                "The agent's last turn on group `{gid}` ended before it said that it was done; what it left passed its checks."
            ));
        }
    }
    for (check, (control, judged)) in &state.controls {
        if *control == Control::EvidenceOfNothing && *judged != state.tip() {
            out.limit(format!(
                "Check `{check}` was evidence of nothing for an earlier commit: it stayed green when the work that it speaks for was taken away."
            ));
        }
    }
    for (_, check) in spec.checks() {
        if matches!(check.body(), Ok(CheckBody::RepoTest(t)) if t.counts == Counts::Exit) {
            let id = &check.id;
            out.limit(format!(
                "Check `{id}` is judged by its exit code alone: it counts no tests."
            ));
        }
    }
}
