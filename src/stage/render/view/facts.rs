//! The key numbers under the verdict.

use serde::Serialize;

use crate::base::text::count;
use crate::stage::render::packet::{
    AuditOutcome, CheckOutcome, FeatureVerdict, Phase, ProofPacket, Visibility,
};
use crate::stage::render::values;
use crate::stage::render::words::{Mark, Tone};

/// A key number under the verdict.
#[derive(Debug, Serialize)]
pub struct Fact {
    label: &'static str,
    value: String,
    note: String,
    tone: Tone,
}

pub fn facts(packet: &ProofPacket) -> Vec<Fact> {
    let all = |label, done: usize, of: usize, note: String| {
        let tone = if of == 0 {
            Tone::Grey
        } else if done == of {
            Tone::Good
        } else {
            Tone::Warn
        };
        Fact { label, value: format!("{done} / {of}"), note, tone }
    };
    let passed = packet.features.iter().filter(|f| f.verdict == FeatureVerdict::Passed).count();
    let landed = packet.groups.iter().filter(|g| Mark::from(g.state).tone == Tone::Good).count();
    let on_work = || packet.checks.iter().filter(|c| c.phase != Phase::Base);
    let reused = on_work().filter(|c| c.cached).count();
    let is = |o: CheckOutcome| on_work().filter(|c| !c.cached && c.outcome == o).count();
    let (green, red, idle) =
        (is(CheckOutcome::Passed), is(CheckOutcome::Failed), is(CheckOutcome::NotRun));
    let again = match reused {
        0 => String::new(),
        n => format!("; {} reused on the same tree", count(n, "result")),
    };
    let audit = audit_mark(packet);
    let held =
        packet.audit.scenarios.iter().filter(|s| s.visibility == Visibility::HeldOut).count();
    // An audit of an earlier product is "not run" for this one, and still was a round.
    let rounds = if packet.audit.rounds == 0 {
        "no round was completed".to_owned()
    } else {
        format!(
            "{}, {}",
            count(packet.audit.rounds as usize, "round"),
            count(held, "held-out scenario")
        )
    };
    let rounds = match packet.audit.left_out.len() {
        0 => rounds,
        n => format!("{} did not run; {rounds}", count(n, "check")),
    };
    vec![
        all("Features passed", passed, packet.features.len(), short_of(packet)),
        all("Groups landed", landed, packet.groups.len(), {
            format!("in {}", count(packet.landings.len(), "tested landing"))
        }),
        Fact {
            label: "Check runs",
            value: values::thousands((green + red + idle) as u64),
            note: format!("{green} passed, {red} failed, {idle} not run{again}"),
            tone: Tone::Grey,
        },
        Fact { label: "Audit", value: audit.word.to_owned(), note: rounds, tone: audit.tone },
    ]
}

/// `1 failed, 2 blocked`: the features that are not passed, by verdict.
fn short_of(packet: &ProofPacket) -> String {
    const OTHERS: [FeatureVerdict; 4] = [
        FeatureVerdict::Failed,
        FeatureVerdict::Partial,
        FeatureVerdict::Blocked,
        FeatureVerdict::Missing,
    ];
    let count = |v| packet.features.iter().filter(|f| f.verdict == v).count();
    let some = OTHERS.into_iter().map(|v| (count(v), Mark::from(v).word)).filter(|(n, _)| *n > 0);
    let some: Vec<String> = some.map(|(n, word)| format!("{n} {word}")).collect();
    if some.is_empty() { "none failed, none missing".to_owned() } else { some.join(", ") }
}

/// An audit that left checks out is no pass of the whole.
pub fn audit_mark(packet: &ProofPacket) -> Mark {
    let mark = Mark::from(packet.audit.outcome);
    if packet.audit.outcome != AuditOutcome::Passed || packet.audit.left_out.is_empty() {
        return mark;
    }
    Mark { word: "passed in part", tone: Tone::Warn, sign: Tone::Warn.sign() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../../tests/fixtures/proof/sample.json");

    fn fact(packet: &ProofPacket, label: &str) -> (String, String, Tone) {
        let found = facts(packet).into_iter().find(|f| f.label == label).expect("a fact");
        (found.value, found.note, found.tone)
    }

    #[test]
    fn a_reused_result_is_no_run() {
        let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
        let at = packet.checks.iter().position(|c| c.phase == Phase::Candidate).expect("one");
        let one = packet.checks[at].clone();
        packet.checks = vec![one.clone(); 3];
        packet.checks[1].outcome = CheckOutcome::Failed;
        packet.checks[2].cached = true;
        let (value, note, _) = fact(&packet, "Check runs");
        let told = "1 passed, 1 failed, 0 not run; 1 result reused on the same tree";
        assert_eq!((value.as_str(), note.as_str()), ("2", told));
        packet.checks[2].cached = false;
        assert_eq!(fact(&packet, "Check runs").1, "2 passed, 1 failed, 0 not run");
    }

    #[test]
    fn an_audit_that_left_checks_out_is_a_warning() {
        let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
        packet.audit.outcome = AuditOutcome::Passed;
        assert_eq!(fact(&packet, "Audit").2, Tone::Good);
        packet.audit.left_out = vec!["adds".into(), "reads".into()];
        let (value, note, tone) = fact(&packet, "Audit");
        assert_eq!((value.as_str(), tone), ("passed in part", Tone::Warn));
        assert!(note.starts_with("2 checks did not run; "), "{note}");
        packet.audit.outcome = AuditOutcome::Failed;
        assert_eq!(fact(&packet, "Audit").2, Tone::Bad);
    }
}
