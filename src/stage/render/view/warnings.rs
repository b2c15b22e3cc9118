//! What a reader should know before they believe the rest, and what is neither passed nor failed.

use super::values::thousands;
use crate::base::text::count;
use crate::stage::render::packet::{AuditOutcome, ProofPacket, Visibility};

/// In plain words, the gravest first.
pub fn warnings(packet: &ProofPacket, pictures_left_out: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut say = |when: bool, text: String| out.extend(when.then_some(text));
    if let Some(taken) = &packet.accepted {
        let by = taken.by.as_ref().map_or(String::new(), |by| format!(" by {by}"));
        let text = format!(
            "It landed on `{}` although it is not passed: accepted as {}{by}.",
            taken.target, taken.verdict
        );
        say(true, text);
    }
    say(
        packet.sandbox.tier == "worktree",
        "There was no sandbox (tier `worktree`): agents and checks could read and write whatever \
         the person who ran this can."
            .into(),
    );
    let audit = &packet.audit;
    say(
        audit.outcome == AuditOutcome::NotRun,
        "The product as it is now was not audited as a whole.".into(),
    );
    say(
        audit.outcome != AuditOutcome::NotRun
            && audit.certifier.is_none()
            && audit.mode.as_deref() != Some("fast"),
        match audit.scenarios.iter().filter(|s| s.visibility == Visibility::HeldOut).count() {
            0 => "Nobody looked for failures beyond the checks: no certifier was asked.".into(),
            held => format!(
                "No agent looked for failures beyond the checks and the {}: no certifier was asked.",
                count(held, "held-out scenario")
            ),
        },
    );
    say(
        audit.mode.as_deref() == Some("fast"),
        "The audit was `fast`: checks and scenarios ran, and nobody was asked to judge.".into(),
    );
    say(
        audit.struck > 0,
        format!(
            "The certifier cited {} that Otto does not have. {} struck and counted for nothing.",
            if audit.struck == 1 {
                "1 piece of evidence".into()
            } else {
                format!("{} pieces of evidence", audit.struck)
            },
            if audit.struck == 1 { "The citation was" } else { "The citations were" }
        ),
    );
    let seen =
        audit.scenarios.iter().filter(|s| s.visibility == Visibility::VisibleToBuilders).count();
    say(
        seen > 0,
        format!("The builders could have read {} before they built.", count(seen, "scenario")),
    );
    let flaky = packet.checks.iter().filter(|c| c.flaky).count();
    say(flaky > 0, format!("{} failed and then passed when run again.", count(flaky, "check run")));
    say(
        packet.spec.approval.as_ref().is_some_and(|a| a.actor == "auto"),
        "No person approved the spec: it was approved automatically.".into(),
    );
    say(
        !packet.amendments.is_empty(),
        format!("The spec was changed {} after it was approved.", times(packet.amendments.len())),
    );
    say(
        !packet.journal.anchored,
        "The record of events is not anchored in git: nothing outside of it says where it ended."
            .into(),
    );
    say(
        !packet.journal.signed,
        if packet.journal.anchored {
            "The record of events is not signed: whoever can rewrite it and its anchor in git is \
             not noticed."
        } else {
            "The record of events is not signed either: whoever can rewrite it is not noticed."
        }
        .into(),
    );
    say(
        pictures_left_out > 0,
        format!(
            "{} too large for this page. They are files in `evidence/`, named by their hash.",
            if pictures_left_out == 1 {
                "1 picture is".into()
            } else {
                format!("{} pictures are", thousands(pictures_left_out as u64))
            }
        ),
    );
    out
}

fn times(n: usize) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::render::packet::Accepted;

    const SAMPLE: &str = include_str!("../../../../tests/fixtures/proof/sample.json");

    fn has(packet: &ProofPacket, words: &str) -> bool {
        warnings(packet, 0).iter().any(|w| w.contains(words))
    }

    #[test]
    fn what_a_person_took_as_it_is_is_the_first_warning() {
        let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
        assert!(!has(&packet, "accepted"));
        packet.accepted = Some(Accepted {
            verdict: "partial".into(),
            by: Some("user:ann".into()),
            target: "refs/heads/main".into(),
        });
        let first = &warnings(&packet, 0)[0];
        assert!(first.ends_with("accepted as partial by user:ann."), "{first}");
    }

    #[test]
    fn held_out_scenarios_are_a_look_beyond_the_checks() {
        let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
        packet.audit.outcome = AuditOutcome::Passed;
        packet.audit.certifier = None;
        packet.audit.mode = None;
        for scenario in &mut packet.audit.scenarios {
            scenario.visibility = Visibility::HeldOut;
        }
        let n = count(packet.audit.scenarios.len(), "held-out scenario");
        assert!(has(&packet, &format!("beyond the checks and the {n}:")));
        packet.audit.scenarios.clear();
        assert!(has(&packet, "Nobody looked for failures beyond the checks:"));
    }

    #[test]
    fn no_two_warnings_exclude_each_other() {
        let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
        (packet.journal.anchored, packet.journal.signed) = (false, false);
        assert!(has(&packet, "is not anchored") && has(&packet, "not signed either"));
        assert!(!has(&packet, "its anchor in git is"));
        packet.journal.anchored = true;
        assert!(has(&packet, "its anchor in git is") && !has(&packet, "is not anchored"));
    }
}
