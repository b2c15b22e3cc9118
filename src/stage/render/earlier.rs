//! The proof before this one of the same product.

use crate::base::{Result, SessionId};
use crate::session::state::RunState;
use crate::session::{Session, Workspace, all};

/// The newest session before this one that is over, has landed something, and made the same
/// product: for the same target, or on the way to this session's base. One that cannot be read is
/// passed over; `otto verify` says what is wrong with it.
pub fn earlier_of(ws: &Workspace, session: &Session) -> Result<Option<Session>> {
    // An id begins with a second; of two within one, what follows is chance.
    let second = |id: &SessionId| id.as_str().get(..15).map(str::to_owned);
    let others = all(&ws.layout)?.into_iter().rev();
    for id in others.filter(|id| *id != session.id && second(id) <= second(&session.id)) {
        let Ok(other) = Session::open(ws, id.as_str()) else { continue };
        if other.record.created >= session.record.created {
            continue;
        }
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
