//! What git says about the commits of a session: a walk for each kind of ref.

use super::{Places, submitted};
use crate::base::Result;
use crate::git::{Merge, Oid};
use crate::session::layout::refs;
use crate::session::state::Phase;
use crate::session::{Session, State, Workspace};
use crate::stage::build::heads::recorded_head;

/// Asks git. Reads only.
pub fn places(ws: &Workspace, session: &Session, state: &State) -> Result<Places> {
    let repo = &ws.repo;
    let base = session.record.base;
    let held_by = |tips: Vec<Oid>| repo.reachable(&tips, &[base]);
    let mine = |prefix: &str| -> Result<Vec<Oid>> {
        let own = format!("{prefix}{}.", session.id);
        let found = repo.refs_below(prefix)?;
        Ok(found.into_iter().filter(|(n, _)| n.starts_with(&own)).map(|(_, id)| id).collect())
    };
    let integ = repo.read_ref(&session.integ_ref())?;
    let mut places = Places {
        landed: held_by(integ.into_iter().collect())?,
        redundant: held_by(redundant(ws, state)?)?,
        open: held_by(mine(refs::BUILD)?)?,
        attic: held_by(mine(refs::ATTIC)?)?,
        ..Places::default()
    };
    for (_, _, commit, _) in submitted(state) {
        let known = [&places.landed, &places.redundant, &places.open, &places.attic];
        if known.iter().all(|set| !set.contains(&commit)) && repo.has_object(commit) {
            places.there.insert(commit);
        }
    }
    Ok(places)
}

/// Heads of groups of which nothing was left to land, where git still says the same.
fn redundant(ws: &Workspace, state: &State) -> Result<Vec<Oid>> {
    let repo = &ws.repo;
    let mut out = Vec::new();
    for group in state.groups.values() {
        let (Phase::Redundant { held_by }, Some(head)) = (&group.phase, recorded_head(group))
        else {
            continue;
        };
        if !repo.has_object(head) || !repo.has_object(*held_by) {
            continue;
        }
        let merged = repo.merge(*held_by, head)?;
        let held_by = repo.tree_of(*held_by)?;
        if matches!(merged, Merge::Clean { tree, .. } if tree == held_by) {
            out.push(head);
        }
    }
    Ok(out)
}
