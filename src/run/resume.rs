//! Which session `--resume` means.

use super::next::{audit_is_due, work_is_left};
use super::summary::again;
use crate::base::{Error, Result, SessionId};
use crate::session::state::RunState;
use crate::session::{Session, Workspace, all};
use crate::stage::notes;
use crate::stage::render::rendered_events;
use crate::stage::repair::{Next, is_on, next};

/// What was asked.
#[derive(Debug, Clone)]
pub enum Resume {
    /// The newest one that is open.
    Newest,
    Named(String),
}

/// Neither finished and rendered nor aborted, and something is left to do: a session that was
/// driven by hand, step by step, to its audit is over although no run said so. `rendered` is the
/// number of events that its proof tells of.
fn is_open(session: &Session, rendered: Option<u64>) -> Result<bool> {
    let state = session.state()?;
    match state.run {
        RunState::Finished { .. } => return Ok(rendered != Some(state.events)),
        RunState::Aborted { .. } => return Ok(false),
        RunState::Paused { .. } => return Ok(true),
        RunState::Open if session.record.is_of_run() => return Ok(true),
        RunState::Open => {}
    }
    let Ok(spec) = session.spec() else { return Ok(true) };
    let told = notes::hashes(session, &spec)?;
    let repairs = state.repairs.iter().any(|r| r.outcome.is_none())
        || (is_on(&session.config) && next(&state, &told) != Next::Nothing);
    Ok(repairs
        || work_is_left(&spec, &state)
        || (!state.landings.is_empty() && audit_is_due(&state)))
}

/// How the newest finished session is taken up, which nobody does by mistake.
fn way_back(ws: &Workspace) -> Result<String> {
    for id in all(&ws.layout)?.iter().rev().filter(|id| ws.layout.session(id).record().exists()) {
        let session = Session::open(ws, id.as_str())?;
        let state = session.state()?;
        if matches!(state.run, RunState::Finished { .. }) {
            let more =
                again(&session, &state).map_or(String::new(), |(flag, _)| format!(" {flag}"));
            return Ok(format!(
                "a finished one is taken up by its id: otto run --resume {id}{more}; otto sessions lists them"
            ));
        }
    }
    Ok("otto sessions lists them".into())
}

/// The session to go on with: neither finished nor aborted.
pub fn resumable(ws: &Workspace, resume: &Resume) -> Result<Session> {
    match resume {
        Resume::Named(wanted) => {
            let session = Session::open(ws, wanted)?;
            match session.with_state(|s| s.run.clone())? {
                RunState::Aborted { reason } => {
                    Err(Error::no(format!("the session {} was aborted: {reason}", session.id)))
                }
                // A finished one may be taken up by name: a group may have been mended since.
                RunState::Open | RunState::Paused { .. } | RunState::Finished { .. } => Ok(session),
            }
        }
        Resume::Newest => {
            let rendered = rendered_events(&ws.layout)?;
            let mut open: Vec<(SessionId, Session)> = Vec::new();
            for id in all(&ws.layout)? {
                if !ws.layout.session(&id).record().exists() {
                    continue;
                }
                let session = Session::open(ws, id.as_str())?;
                if is_open(&session, rendered.get(&id).copied())? {
                    open.push((id, session));
                }
            }
            match open.len() {
                0 => Err(Error::no("no session is open: all are finished or aborted")
                    .hint(way_back(ws)?)),
                1 => Ok(open.remove(0).1),
                _ => {
                    let ids: Vec<_> = open.iter().map(|(id, _)| id.as_str()).collect();
                    Err(Error::usage(format!("several sessions are open: {}", ids.join(", ")))
                        .hint(format!("say which: otto run --resume {}", ids[ids.len() - 1])))
                }
            }
        }
    }
}
