//! The journal, the spec and the groups: whether what is read here is what happened and what was
//! agreed, and whose work is in the product.

use super::{ChainState, Condition, ProductVerdict};
use crate::session::State;
use crate::session::state::{GroupState, Phase, SpecState};
use crate::spec::{Group, Spec, verify_chain};

pub(super) fn judge(out: &mut ProductVerdict, spec: &Spec, state: &State, chain: &ChainState) {
    use Condition::{
        EventUnknown, JournalBroken, LandingOpen, SpecAbsent, SpecChainBroken, SpecDiffers,
    };
    match chain {
        ChainState::Intact => {}
        ChainState::Broken { what } => {
            out.met(JournalBroken, "journal", format!("The journal cannot be trusted: {what}"));
        }
    }
    if let Some(kind) = &state.unknown_kind {
        let text = format!("The journal holds an event that this program does not know: `{kind}`.");
        out.met(EventUnknown, "journal", text);
    }
    if let Some(open) = &state.open_landing {
        let text =
            format!("A landing of `{}` was announced and never recorded as done.", open.group);
        out.met(LandingOpen, format!("group {}", open.group), text);
    }
    match &state.spec {
        SpecState::Approved { sha256, first, .. } => {
            if let Err(why) = verify_chain(spec, *first, &state.spec_links) {
                let text = format!("The spec does not follow from what was approved: {why}");
                out.met(SpecChainBroken, "spec", text);
            } else if spec.content_hash() != *sha256 {
                let text = "The spec is not the one that the journal names as approved.";
                out.met(SpecDiffers, "spec", text);
            }
        }
        SpecState::None => out.met(SpecAbsent, "spec", "There is no spec yet."),
        SpecState::Compiled { .. } => out.met(SpecAbsent, "spec", "The spec was not approved."),
        SpecState::Rejected { note } => {
            out.met(SpecAbsent, "spec", format!("The spec was rejected: {note}"));
        }
    }
    groups(out, spec, state);
}

/// Whether a group's work is in the product, also while it is being repaired.
pub fn is_in(group: Option<&GroupState>) -> bool {
    group.is_some_and(|g| g.phase.is_in() || g.landed.is_some())
}

fn groups(out: &mut ProductVerdict, spec: &Spec, state: &State) {
    if !spec.groups.iter().any(|g| is_in(state.group(&g.id))) {
        out.met(Condition::NothingLanded, "product", "No group's work is in the product.");
    }
    for group in &spec.groups {
        let found = state.group(&group.id);
        let phase = state.phase(&group.id);
        if phase.is_in() {
            continue;
        }
        let subject = format!("group {}", group.id);
        let how = how_it_stands(group, &phase);
        if is_in(found) {
            out.met(Condition::GroupReopened, subject, format!("What landed was reopened. {how}"));
        } else {
            out.met(Condition::GroupNotIn, subject, format!("Not in the product. {how}"));
        }
    }
}

fn how_it_stands(group: &Group, phase: &Phase) -> String {
    let title = &group.title;
    match phase {
        Phase::Pending | Phase::Building { .. } | Phase::Passing { .. } | Phase::Landed => {
            format!("\"{title}\" is {}.", phase.word())
        }
        Phase::Redundant { held_by } => format!("\"{title}\" is held by {}.", held_by.short()),
        Phase::Failed { reason } => format!("\"{title}\" failed: {reason}"),
        Phase::Blocked { by } => format!("\"{title}\" waits for {}.", by.join(", ")),
        Phase::Invalidated { brief, .. } => format!("\"{title}\" was sent back: {brief}"),
        Phase::Aborted { reason } => format!("\"{title}\" was aborted: {reason}"),
    }
}
