//! `summary.json`: a session in a few lines, for lists.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::SessionId;
use crate::stage::render::packet::{At, Chain, GroupState, ProofPacket, Usage, VERSION, Word};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    v: u32,
    pub session: SessionId,
    project: String,
    /// The first line of the intent.
    pub intent: String,
    pub verdict: Word,
    /// Word → how many; words that nothing has are left out.
    pub features: BTreeMap<String, usize>,
    groups: BTreeMap<String, usize>,
    target: Option<String>,
    base: String,
    tip: Option<String>,
    pub created: At,
    pub finished: Option<At>,
    /// The newest thing that is known to have happened.
    last: At,
    pub events: u64,
    chain_intact: bool,
    usage: BTreeMap<String, Usage>,
}

pub(super) fn of(packet: &ProofPacket) -> Summary {
    Summary {
        v: VERSION,
        session: packet.session.clone(),
        project: packet.project.clone(),
        intent: crate::base::text::one_line(&packet.intent, 120),
        verdict: packet.verdict.word,
        features: counted(packet.features.iter().map(|f| f.verdict.word())),
        groups: counted(packet.groups.iter().map(|g| group_word(g.state))),
        target: packet.target.clone(),
        base: packet.base.clone(),
        tip: packet.tip.clone(),
        created: packet.created,
        finished: packet.finished,
        last: packet.end(),
        events: packet.journal.events,
        chain_intact: packet.journal.chain == Chain::Intact,
        usage: packet.usage.clone(),
    }
}

fn counted<'a>(words: impl Iterator<Item = &'a str>) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    for word in words {
        *out.entry(word.to_owned()).or_default() += 1;
    }
    out
}

fn group_word(state: GroupState) -> &'static str {
    match state {
        GroupState::Waiting => "waiting",
        GroupState::Running => "running",
        GroupState::Passing => "passing",
        GroupState::Landed => "landed",
        GroupState::Redundant => "redundant",
        GroupState::Failed => "failed",
        GroupState::Blocked => "blocked",
        GroupState::Aborted => "aborted",
    }
}
