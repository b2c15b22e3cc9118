//! Why the verdict is not better: the strictest first, and what follows from a group that is not in
//! the product with that group.

use std::cmp::Reverse;

use serde::Serialize;

use crate::stage::audit::verdict::{GROUP_OUT, NOT_AUDITED};
use crate::stage::render::packet::{ProofPacket, Reason, ReasonKind, Word};
use crate::stage::render::words::Mark;

#[derive(Debug, Serialize)]
pub struct Lowered<'a> {
    cap: Mark,
    text: &'a str,
    subject: Option<&'a str>,
    /// Checks that did not run for the same cause.
    checks: Vec<&'a str>,
    /// Features that are not there for the same cause, by name.
    features: Vec<&'a str>,
}

pub fn lowered(packet: &ProofPacket) -> Vec<Lowered<'_>> {
    let mut caps: Vec<(Word, &Reason)> = packet
        .verdict
        .reasons
        .iter()
        .filter_map(|r| match r.kind {
            ReasonKind::Lowered { cap } => Some((cap, r)),
            ReasonKind::Limit => None,
        })
        .collect();
    caps.sort_by_key(|(cap, _)| Reverse(cap.rank()));
    let groups: Vec<&str> = caps.iter().filter_map(|(_, r)| about(r, "group ")).collect();
    let mut out: Vec<Lowered> = Vec::new();
    let mut follow: Vec<(&str, Effect)> = Vec::new();
    for (cap, reason) in caps {
        match effect(packet, reason).filter(|(group, _)| groups.contains(group)) {
            Some(one) => follow.push(one),
            None => out.push(Lowered {
                cap: cap.into(),
                text: &reason.text,
                subject: reason.subject.as_deref(),
                checks: Vec::new(),
                features: Vec::new(),
            }),
        }
    }
    for (group, effect) in follow {
        let cause =
            |l: &&mut Lowered| l.subject.and_then(|s| s.strip_prefix("group ")) == Some(group);
        let Some(row) = out.iter_mut().find(cause) else { continue };
        match effect {
            Effect::Check(id) => row.checks.push(id),
            Effect::Feature(name) => row.features.push(name),
        }
    }
    out
}

/// What a group that is not in the product brings with it.
enum Effect<'a> {
    Check(&'a str),
    Feature(&'a str),
}

/// The group that causes it, and what is caused.
fn effect<'a>(packet: &'a ProofPacket, reason: &'a Reason) -> Option<(&'a str, Effect<'a>)> {
    if let Some(id) = about(reason, "check ").filter(|_| reason.text == NOT_AUDITED) {
        let ran = packet.checks.iter().filter(|c| c.id == id).find_map(|c| c.group.as_deref());
        let bound = packet.features.iter().find(|f| f.checks.iter().any(|c| c == id));
        let group = ran.or(bound.map(|f| f.group.as_str()))?;
        return Some((group, Effect::Check(id)));
    }
    let id = about(reason, "feature ").filter(|_| reason.text == GROUP_OUT)?;
    let feature = packet.features.iter().find(|f| f.id == id)?;
    Some((&feature.group, Effect::Feature(&feature.name)))
}

/// The id that it is about, if it is about that kind of thing.
fn about<'a>(reason: &'a Reason, kind: &str) -> Option<&'a str> {
    reason.subject.as_deref()?.strip_prefix(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../../tests/fixtures/proof/sample.json");

    #[test]
    fn the_strictest_comes_first_and_a_group_holds_what_it_causes() {
        let mut packet = ProofPacket::from_json(SAMPLE).expect("a sample parses");
        let (id, group) = (packet.features[0].id.clone(), packet.features[0].group.clone());
        let check = packet.features[0].checks[0].clone();
        let reason = |cap, subject: String, text: &str| Reason {
            kind: ReasonKind::Lowered { cap },
            text: text.into(),
            subject: Some(subject),
        };
        let caused = [
            reason(Word::Unverified, format!("check {check}"), NOT_AUDITED),
            reason(Word::Partial, format!("feature {id}"), GROUP_OUT),
        ];
        let cause = reason(Word::Partial, format!("group {group}"), "Not in the product.");
        let other = reason(Word::Unverified, "journal".into(), "It is broken.");
        packet.verdict.reasons = [&caused[..], &[other], &[cause]].concat();
        let rows = lowered(&packet);
        let texts: Vec<&str> = rows.iter().map(|r| r.text).collect();
        assert_eq!(texts, ["Not in the product.", "It is broken."]);
        assert_eq!(rows[0].checks, [check.as_str()]);
        assert_eq!(rows[0].features, [packet.features[0].name.as_str()]);
        // Without the group's own line nothing is folded away.
        packet.verdict.reasons = caused.to_vec();
        assert_eq!(lowered(&packet).len(), 2);
    }
}
