//! Providers that ask to wait: who works instead, and the durable wake-up.

use jiff::Timestamp;

use super::patience::{Choice, choose, is_wait, until};
use crate::agent::{ErrorClass, TurnResult};
use crate::base::text::one_line;
use crate::base::{Error, Result};
use crate::session::config::{Agent, Role};
use crate::session::event::{ProviderWaiting, ProviderWoken};
use crate::session::journal::Entry;
use crate::session::{Session, State, Workspace};

/// A lost connection is waited for this often in a row; after that it is a failure like any other.
const LOST_CONNECTIONS: u32 = 5;

/// The agent that takes the next turn of a role: the configured one, or who stands in while it has
/// to wait. With nobody free: 75, with the time of the first.
pub fn free_agent(ws: &Workspace, session: &Session, role: Role) -> Result<Agent> {
    let config = &session.config;
    let first = config.agent(role);
    let Some(name) = &first.provider else { return Ok(first) };
    let now = ws.clock.now();
    match session.with_state(|s| choose(name, &config.fallback, &s.waits, now))? {
        Choice::Use(provider) => Ok(config.agent_at(role, &provider)),
        Choice::Wait { provider, until } => {
            let class = session.with_state(|s| s.waits.get(&provider).map(|w| w.class.clone()))?;
            Err(later(session, &provider, &class.unwrap_or_default(), until))
        }
    }
}

fn later(session: &Session, provider: &str, class: &str, until: Timestamp) -> Error {
    let id = &session.id;
    Error::later(format!("the provider '{provider}' asks to wait ({class})"), Some(until))
        .hint(format!("go on then with: otto run --resume {id}   or try now: otto wake {id}"))
}

/// Records what a turn said about waiting: a wake-up where it asks for one (true), the end of one
/// where it worked. `began` is the newest event when the turn began: it knows nothing of limits
/// that others met since.
pub fn note_turn(
    ws: &Workspace,
    session: &Session,
    provider: &str,
    began: u64,
    turn: &TurnResult,
) -> Result<bool> {
    let Some((class, _)) = &turn.error else {
        // Looked at first without the journal's lock: a turn after a wait is rare.
        let refused = |s: &State| s.refusals.get(provider).is_some_and(|r| r.last <= began);
        if session.with_state(refused)? {
            session.append_with(ws, |s| {
                let woken = ProviderWoken { provider: provider.to_owned(), by: None };
                Ok(if refused(s) { vec![Entry::new(woken)] } else { Vec::new() })
            })?;
        }
        return Ok(false);
    };
    if !is_wait(*class) {
        return Ok(false);
    }
    let said = turn.retry_at.as_deref().and_then(|at| at.parse().ok());
    let mut waits = true;
    session.append_with(ws, |state| {
        let now = ws.clock.now();
        let times = state.refusals.get(provider).and_then(|r| r.times.get(class.word()).copied());
        let holds = state.waiting(now).find(|(name, w)| *name == provider && w.seq > began);
        // The limit that another turn has met meanwhile is no further one.
        let times = times.unwrap_or(0);
        if *class == ErrorClass::Network && times >= LOST_CONNECTIONS && holds.is_none() {
            waits = false;
            return Ok(Vec::new());
        }
        let until = until(*class, said, times, now);
        let known = holds
            .is_some_and(|(_, w)| w.until >= until || (said.is_none() && w.class == class.word()));
        let waiting = ProviderWaiting {
            provider: provider.to_owned(),
            until: until.to_string(),
            class: class.word().into(),
        };
        Ok(if known { Vec::new() } else { vec![Entry::new(waiting)] })
    })?;
    Ok(waits)
}

/// The error of a turn that failed for another reason than waiting: missing (69) where a person
/// has to mend the agent first, else no (1).
pub fn turn_error((class, message): (ErrorClass, &str)) -> Error {
    let what = format!("the agent failed: {}", class.word());
    let error = if class.is_lasting() { Error::missing(what) } else { Error::no(what) };
    error.because(one_line(message, 300))
}
