//! Otto's side of the conversation: what the agent says and asks, in the order in which it comes.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent_client_protocol::v1::schema::{
    ReadTextFileRequest, ReadTextFileResponse, RequestPermissionOutcome, RequestPermissionRequest,
    RequestPermissionResponse, SelectedPermissionOutcome, SessionNotification,
    WriteTextFileRequest, WriteTextFileResponse,
};
use agent_client_protocol::{Error as RpcError, ErrorCode, UntypedMessage};
use serde_json::{Value, json};

use super::files::Files;
use super::permission;
use super::updates::Updates;
use crate::agent::{Event, Request};
use crate::base::{Error, Result};
use crate::disk::Refused;
use crate::provider::agent_cli::shorten;
use crate::provider::io::Events;

/// How a line that is no message is handed on, so that it keeps its place among those that are.
pub(super) const NOISE: &str = "_otto/noise";

/// Why a turn is ended before the agent ends it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cancel {
    Asked,
    Turns,
    Money,
}

/// Tells whoever talks to the agent that it must stop.
pub(super) type Canceller = futures::channel::mpsc::UnboundedSender<Cancel>;

pub(super) struct Inner<W> {
    pub events: Events<W>,
    pub updates: Updates,
    files: Files,
    has_network: bool,
    max_turns: u32,
    budget_usd: Option<f64>,
    cancel: Canceller,
    is_capped: bool,
    /// The agent's name of the conversation.
    pub session: Option<String>,
    /// The request before the prompt that it has not answered yet.
    pub step: Option<&'static str>,
    /// Not while an earlier conversation is told again.
    pub is_live: bool,
    /// Nobody reads our events any more.
    pub broken: Option<Error>,
}

/// Shared by the handlers of one connection, which run one after the other.
pub(super) struct Client<W>(Arc<Mutex<Inner<W>>>);

impl<W> Clone for Client<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Write> Client<W> {
    pub fn new(
        request: &Request,
        events: Events<W>,
        updates: Updates,
        files: Files,
        cancel: Canceller,
    ) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            events,
            updates,
            files,
            has_network: request.sandbox.network.as_deref() != Some("off"),
            max_turns: request.max_turns,
            budget_usd: request.budget_usd,
            cancel,
            is_capped: false,
            session: None,
            step: None,
            is_live: false,
            broken: None,
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner<W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events again, once nobody else has them.
    pub fn into_events(self) -> Result<Events<W>> {
        let inner = Arc::try_unwrap(self.0)
            .map_err(|_| Error::bug("a conversation that is over is still held"))?
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        match inner.broken {
            Some(e) => Err(e),
            None => Ok(inner.events),
        }
    }

    pub fn notified(&self, message: UntypedMessage) {
        let mut inner = self.lock();
        if message.method == NOISE {
            let line = message.params.get("line").and_then(Value::as_str).unwrap_or_default();
            inner.tell(vec![Event::Raw { data: shorten::text(line).into() }]);
            return;
        }
        if !inner.is_live {
            return;
        }
        let update = serde_json::from_value::<SessionNotification>(message.params.clone());
        let events = match (message.method.as_str(), update) {
            ("session/update", Ok(update)) => inner.updates.take(update.update),
            (method, _) => {
                let data = json!({"method": method, "params": message.params});
                inner.updates.unknown(data)
            }
        };
        inner.tell(events);
        inner.enforce_caps();
    }

    pub fn asked(&self, request: &RequestPermissionRequest) -> RequestPermissionResponse {
        let mut inner = self.lock();
        let (mut events, call) = inner.updates.asked(&request.tool_call);
        let kind = inner.updates.kind_of(&call.tool_call_id);
        let may = permission::may(&call, kind, &inner.files, inner.has_network);
        if let Err(why) = &may {
            let tool = format!("{} ({why})", inner.updates.name_of(&call.tool_call_id));
            events.push(Event::Denied { tool });
        }
        inner.tell(events);
        inner.enforce_caps();
        // A turn that is being ended gets no more permissions; the protocol wants "cancelled".
        let chosen =
            if inner.is_capped { None } else { permission::option(&request.options, may.is_ok()) };
        RequestPermissionResponse::new(chosen.map_or(RequestPermissionOutcome::Cancelled, |id| {
            RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(id))
        }))
    }

    pub fn read(&self, request: &ReadTextFileRequest) -> Result<ReadTextFileResponse, RpcError> {
        let mut inner = self.lock();
        match inner.files.read(&request.path) {
            Ok(text) => {
                let from = request.line.map_or(0, |line| line.saturating_sub(1) as usize);
                let limit = request.limit.map_or(usize::MAX, |limit| limit as usize);
                let whole = from == 0 && limit == usize::MAX;
                let lines = || text.split_inclusive('\n').skip(from).take(limit).collect();
                Ok(ReadTextFileResponse::new(if whole { text.clone() } else { lines() }))
            }
            Err(refused) => Err(inner.refuse("fs/read_text_file", &request.path, refused)),
        }
    }

    pub fn write(&self, request: &WriteTextFileRequest) -> Result<WriteTextFileResponse, RpcError> {
        let mut inner = self.lock();
        match inner.files.write(&request.path, &request.content) {
            Ok(is_new) => {
                let path = inner.files.shown(&request.path);
                let kind = if is_new { "added" } else { "modified" }.into();
                inner.tell(vec![Event::FileChange { path, kind }]);
                Ok(WriteTextFileResponse::new())
            }
            Err(refused) => Err(inner.refuse("fs/write_text_file", &request.path, refused)),
        }
    }
}

impl<W: Write> Inner<W> {
    pub fn tell(&mut self, events: Vec<Event>) {
        for event in events {
            if self.broken.is_none()
                && let Err(e) = self.events.emit(&event)
            {
                self.broken = Some(e);
                self.stop(Cancel::Asked);
            }
        }
    }

    /// Models ignore caps; whoever counts ends the turn.
    fn enforce_caps(&mut self) {
        if self.is_capped {
            return;
        }
        if self.updates.called > self.max_turns {
            self.stop(Cancel::Turns);
        } else if self.budget_usd.is_some_and(|budget| self.updates.spent() > budget) {
            self.stop(Cancel::Money);
        }
    }

    fn stop(&mut self, why: Cancel) {
        self.is_capped = true;
        // A conversation that is over needs no end.
        drop(self.cancel.unbounded_send(why));
    }

    fn refuse(&mut self, tool: &str, path: &Path, refused: Refused) -> RpcError {
        let shown = path.display();
        match refused {
            // In the protocol's words, by which agents know that the file is not there.
            Refused::Missing => {
                RpcError::new(ErrorCode::RESOURCE_NOT_FOUND, format!("Resource not found: {shown}"))
                    .data(json!({"uri": format!("file://{shown}")}))
            }
            Refused::Outside => {
                let tool = format!("{tool} ('{shown}' is outside of the worktree)");
                self.tell(vec![Event::Denied { tool }]);
                let why = format!("permission denied: '{shown}' is outside of the worktree");
                RpcError::new(ErrorCode::INVALID_PARAMS, why)
            }
            Refused::Other(why) => {
                RpcError::new(ErrorCode::INTERNAL_ERROR, format!("'{shown}': {why}"))
            }
        }
    }
}
