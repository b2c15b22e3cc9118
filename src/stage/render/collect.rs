//! A session → its proof packet.
//!
//! The packet says what the journal says: attempts, checks, landings and findings are its records,
//! the verdict is the pure function of what follows from them, evidence is read by its hash and
//! checked against it. The same journal gives the same packet; no clock is read. Nothing is made
//! up: what is not known is `null`, empty, or said in words. It works at any moment of a session,
//! also on a journal that is damaged: then on what was written before the damage.

mod audit;
mod build;
mod checks;
mod config;
mod evidence;
mod expects;
mod journal;
mod sandbox;
#[cfg(test)]
pub(super) mod scene;
#[cfg(test)]
mod tests;
mod timeline;
#[cfg(test)]
mod told;
mod usage;

use super::change::Change;
use super::earlier::earlier_of;
use super::packet::{
    Approval, At, Chain, Feature, Journal, Phase, ProofPacket, Reason, ReasonKind, SpecFacts,
    VERSION, Verdict,
};
use crate::base::{Result, Secrets, Sha256};
use crate::disk;
use crate::session::layout::refs;
use crate::session::state::{RunState, SpecState};
use crate::session::{Event, Record, Session, State, Workspace};
use crate::spec::Spec;
use crate::stage::audit::verdict::Condition;
use crate::stage::audit::{ProductVerdict, verdict};
use checks::Runs;

/// What everything in a packet is worked out from.
pub(super) struct Source<'a> {
    ws: &'a Workspace,
    session: &'a Session,
    spec: &'a Spec,
    records: Vec<Record>,
    state: State,
    chain: Chain,
    /// Whether the anchor's hash is a record's.
    anchored: bool,
    /// Names of files are read from git, where they are as they were made.
    secrets: Secrets,
}

impl<'a> Source<'a> {
    fn read(ws: &'a Workspace, session: &'a Session, spec: &'a Spec) -> Result<Self> {
        let told = journal::read(ws, session)?;
        let (records, state, chain, anchored) =
            (told.records, told.state, told.chain, told.anchored);
        let secrets = Secrets::from_env(&session.config.secrets);
        Ok(Self { ws, session, spec, records, state, chain, anchored, secrets })
    }

    /// The run was ended, so what is open stays open.
    fn is_over(&self) -> bool {
        match self.state.run {
            RunState::Finished { .. } | RunState::Aborted { .. } => true,
            RunState::Open | RunState::Paused { .. } => false,
        }
    }
}

/// Everything that is known about the session, and what changed since the one before of the same
/// product. `spec` is the one in its folder; before there is one, a spec without features and
/// groups.
pub fn collect(ws: &Workspace, session: &Session, spec: &Spec) -> Result<ProofPacket> {
    let mut packet = alone(ws, session, spec)?;
    packet.since = since(ws, session, &packet)?;
    Ok(packet)
}

fn since(ws: &Workspace, session: &Session, now: &ProofPacket) -> Result<Option<Change>> {
    let Some(then) = earlier_of(ws, session)? else { return Ok(None) };
    // What is wrong with it is said where it is asked for, and is no fault of this session.
    let told = then.current_spec().and_then(|spec| alone(ws, &then, &spec));
    if let Err(e) = &told {
        tracing::warn!("session {} cannot be compared with: {e}", then.id);
    }
    Ok(told.ok().map(|then| Change::between(&then, now)))
}

/// The packet without a look at any other session.
pub fn alone(ws: &Workspace, session: &Session, spec: &Spec) -> Result<ProofPacket> {
    let src = Source::read(ws, session, spec)?;
    let runs = checks::runs(&src)?;
    let verdict = judged(&src, &runs);
    packet(&src, runs, verdict)
}

/// The verdict as the proof shows it: over the whole record, with lost evidence taken off.
pub fn judge(ws: &Workspace, session: &Session, spec: &Spec) -> Result<ProductVerdict> {
    let src = Source::read(ws, session, spec)?;
    let runs = checks::runs(&src)?;
    Ok(judged(&src, &runs))
}

/// Whether the journal is whole and agrees with its anchor, its session file and its intent.
pub fn chain(ws: &Workspace, session: &Session) -> Result<Chain> {
    Ok(journal::read(ws, session)?.chain)
}

fn judged(src: &Source<'_>, runs: &Runs) -> ProductVerdict {
    let mut out = verdict(src.spec, &src.state, &src.chain);
    out.limits.insert(0, src.session.record.tier.limit().to_owned());
    for lost in &runs.lost {
        let text = format!("Evidence sha256:{} {}", lost.sha256.short(), lost.how);
        match lost.phase {
            Phase::Audit | Phase::Scenario => {
                out.met(Condition::EvidenceLost, format!("check {}", lost.check), text);
            }
            // It did not decide about the product as it is now.
            Phase::Base | Phase::Attempt | Phase::Candidate => {
                out.limits.push(format!("{text} (check `{}`)", lost.check));
            }
        }
    }
    out
}

fn packet(src: &Source<'_>, runs: Runs, verdict: ProductVerdict) -> Result<ProofPacket> {
    let Source { ws, session, spec, state, .. } = src;
    let record = &session.record;
    let mut reasons = verdict.reasons;
    reasons.extend(limits(src));
    // The packet names the sandbox's limit with the sandbox.
    let of_tier = record.tier.limit();
    let mut not_verified: Vec<String> =
        verdict.limits.into_iter().filter(|l| l != of_tier).collect();
    not_verified.extend(moved_by_hand(src)?);
    let intent = disk::read_if_there(&session.layout.intent())?.unwrap_or_default();
    Ok(ProofPacket {
        v: VERSION,
        session: session.id.clone(),
        project: record.project.clone(),
        intent: String::from_utf8_lossy(&intent).into_owned(),
        created: created(src),
        finished: finished(src),
        versions: [
            ("otto", &record.versions.otto),
            ("git", &record.versions.git),
            ("os", &record.versions.os),
        ]
        .into_iter()
        .map(|(name, version)| (name.to_owned(), version.clone()))
        .collect(),
        sandbox: sandbox::sandbox(session),
        target: record.target.clone(),
        base: record.base.to_string(),
        tip: state.landings.last().map(|l| l.new.to_string()),
        spec: SpecFacts {
            sha256: has_spec(state).then(|| spec.content_hash()),
            approval: match &state.spec {
                SpecState::Approved { by, at, .. } => {
                    Some(Approval { actor: by.clone(), at: At(*at) })
                }
                SpecState::None | SpecState::Compiled { .. } | SpecState::Rejected { .. } => None,
            },
            non_goals: spec.non_goals.clone(),
        },
        verdict: Verdict { word: verdict.word, reasons },
        accepted: timeline::accepted(&src.records),
        features: spec
            .features
            .iter()
            .zip(verdict.features)
            .map(|(feature, judged)| Feature {
                id: feature.id.clone(),
                name: feature.name.clone(),
                description: feature.description.clone(),
                acceptance: feature.acceptance.clone(),
                group: feature.group.clone(),
                verdict: judged.word,
                reasons: judged.reasons,
                checks: judged.checks,
            })
            .collect(),
        groups: build::groups(src),
        landings: build::landings(src, &ws.repo),
        checks: runs.runs,
        audit: audit::audit(src),
        findings: audit::findings(src),
        repairs: audit::repairs(src),
        amendments: spec.amendments.clone(),
        timeline: timeline::timeline(src),
        usage: usage::by_role(&src.records),
        usage_by_group: usage::by_group(&src.records),
        not_verified,
        journal: Journal {
            events: state.events,
            head: state.head.unwrap_or(Sha256::ZERO),
            anchored: src.anchored,
            // Nothing signs a chain yet.
            signed: false,
            chain: src.chain.clone(),
        },
        since: None,
        config: config::highlights(src),
    })
}

pub(super) fn has_spec(state: &State) -> bool {
    match state.spec {
        SpecState::None => false,
        SpecState::Compiled { .. } | SpecState::Approved { .. } | SpecState::Rejected { .. } => {
            true
        }
    }
}

fn created(src: &Source<'_>) -> At {
    let written = || src.session.record.created.parse().ok();
    At(src.state.created_at.or_else(written).unwrap_or_default())
}

/// When the run was ended; a run that was taken up again is open.
fn finished(src: &Source<'_>) -> Option<At> {
    let ended = |r: &&Record| matches!(r.event, Event::RunFinished(_) | Event::RunAborted(_));
    src.records.iter().rev().find(ended).filter(|_| src.is_over()).map(|r| At(r.at))
}

/// Limits of the evidence that lie in how it was kept.
fn limits(src: &Source<'_>) -> Vec<Reason> {
    let limit = |subject: &str, text: &str| Reason {
        kind: ReasonKind::Limit,
        text: text.to_owned(),
        subject: Some(subject.to_owned()),
    };
    let mut out = vec![limit(
        "journal",
        "The chain is not signed: whoever can rewrite the journal and its anchor in git is not \
         detected.",
    )];
    if !src.anchored {
        out.push(limit(
            "journal",
            "The chain is not anchored in git: nothing outside of the journal says what its head was.",
        ));
    }
    if src.session.config.overrides {
        out.push(limit(
            "configuration",
            "The project may replace programs of Otto with its own (`overrides`).",
        ));
    }
    out
}

/// What the integration branch is, where that is not what was landed.
fn moved_by_hand(src: &Source<'_>) -> Result<Option<String>> {
    let name = refs::integ(&src.session.id);
    let found = src.ws.repo.read_ref(&name)?;
    let recorded = src.state.landings.last().map(|l| l.new);
    Ok(match (found, recorded) {
        (Some(found), Some(recorded)) if found != recorded => Some(format!(
            "`{name}` is at {} and not at {}, which is what landed last and was judged.",
            found.short(),
            recorded.short()
        )),
        (_, _) => None,
    })
}
