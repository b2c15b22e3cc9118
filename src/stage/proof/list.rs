//! One row for each session.

use std::path::PathBuf;

use serde::Serialize;

use crate::base::{Result, SessionId};
use crate::session::state::{LandState, RunState};
use crate::session::{self, Session, Workspace, all};
use crate::stage::render::packet::{At, Word};
use crate::stage::render::summary_of;

/// A session in one line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    pub session: SessionId,
    pub created: At,
    pub state: State,
    /// As it is now, also of a session that is not over.
    pub verdict: Word,
    pub features_passed: usize,
    pub features: usize,
    pub title: String,
    /// Where the page is, or would be.
    pub html: PathBuf,
    pub rendered: bool,
}

/// How far the session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Open,
    Paused,
    Finished,
    Aborted,
    /// No run said that it was over: it was done step by step, and taken.
    Landed,
}

impl State {
    pub fn of(session: &session::State) -> Self {
        match &session.run {
            RunState::Open if matches!(session.land, LandState::Landed { .. }) => State::Landed,
            RunState::Open => State::Open,
            RunState::Paused { .. } => State::Paused,
            RunState::Finished { .. } => State::Finished,
            RunState::Aborted { .. } => State::Aborted,
        }
    }

    /// Nothing more happens in it unless somebody takes it up again.
    pub fn is_over(self) -> bool {
        matches!(self, State::Finished | State::Aborted | State::Landed)
    }
}

impl Row {
    /// The verdict in words; of a session that is not over, that it is only so far.
    pub fn words(&self) -> String {
        let word = self.verdict.word();
        match self.state {
            State::Finished | State::Landed => word.to_owned(),
            State::Aborted => format!("{word}, aborted"),
            State::Open => format!("{word} so far"),
            State::Paused => format!("{word} so far, paused"),
        }
    }
}

/// The newest `most` sessions, newest first. One that is damaged is named and hides no other.
pub fn list(
    ws: &Workspace,
    most: usize,
) -> Result<Vec<std::result::Result<Row, (SessionId, crate::base::Error)>>> {
    let ids = all(&ws.layout)?;
    let rows = ids.into_iter().rev().take(most);
    Ok(rows.map(|id| row(ws, &id).map_err(|e| (id, e))).collect())
}

fn row(ws: &Workspace, id: &SessionId) -> Result<Row> {
    let session = Session::open(ws, id.as_str())?;
    let summary = summary_of(ws, &session)?;
    let html = session.layout.proof_html();
    Ok(Row {
        session: id.clone(),
        created: summary.created,
        state: session.with_state(State::of)?,
        verdict: summary.verdict,
        features_passed: summary.features.get("passed").copied().unwrap_or(0),
        features: summary.features.values().sum(),
        title: summary.intent,
        rendered: html.exists(),
        html,
    })
}
