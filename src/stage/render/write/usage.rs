//! `usage.json`: what the session used, by role and by group.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::stage::render::packet::{GroupState, ProofPacket, Usage};

/// Tokens, and `cost_usd`, that some turn did not report are null; `reported_usd` and
/// `estimated_usd` are what is known all the same, beside how many turns say nothing.
#[derive(Debug, Serialize)]
pub(super) struct UsageFile<'a> {
    v: u32,
    session: &'a str,
    landed_groups: usize,
    roles: &'a BTreeMap<String, Usage>,
    groups: &'a BTreeMap<String, Usage>,
}

pub(super) fn of(packet: &ProofPacket) -> UsageFile<'_> {
    UsageFile {
        v: 1,
        session: packet.session.as_str(),
        landed_groups: packet.groups.iter().filter(|g| g.state == GroupState::Landed).count(),
        roles: &packet.usage,
        groups: &packet.usage_by_group,
    }
}
