//! The proof before this one of the same product.

use crate::base::Result;
use crate::session::state::RunState;
use crate::session::{Session, Workspace, all};

/// The newest session before this one that is over, has landed something, and made the same
/// product: for the same target, or on the way to this session's base. One that cannot be read is
/// passed over; `otto verify` says what is wrong with it.
pub fn earlier_of(ws: &Workspace, session: &Session) -> Result<Option<Session>> {
    let before = all(&ws.layout)?.into_iter().rev().filter(|id| *id < session.id);
    for id in before {
        let Ok(other) = Session::open(ws, id.as_str()) else { continue };
        let (over, landed) = other.with_state(|s| {
            let over = match s.run {
                RunState::Finished { .. } | RunState::Aborted { .. } => true,
                RunState::Open | RunState::Paused { .. } => false,
            };
            (over, s.landings.last().map(|l| l.new))
        })?;
        let Some(tip) = landed.filter(|_| over) else { continue };
        let (target, base) = (&session.record.target, session.record.base);
        let same = target.is_some() && other.record.target == *target;
        if same || ws.repo.is_ancestor(tip, base).unwrap_or(false) {
            return Ok(Some(other));
        }
    }
    Ok(None)
}
