//! The conversation: the versions, a log-in, a session, one prompt.

use std::io::Write;

use agent_client_protocol::schema::ProtocolVersion;
use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{
    AuthMethod, AuthenticateRequest, CancelNotification, ClientCapabilities, ContentBlock,
    FileSystemCapabilities, Implementation, InitializeRequest, InitializeResponse,
    LoadSessionRequest, NewSessionRequest, PromptRequest, PromptResponse, ResumeSessionRequest,
    SessionConfigOption, SessionConfigOptionCategory, SessionConfigOptionValue, SessionId,
    SetSessionConfigOptionRequest, StopReason, TextContent,
};
use agent_client_protocol::{
    Agent, Error as RpcError, ErrorCode, is_connection_terminated, is_incoming_transport_closed,
};
use futures::channel::mpsc::UnboundedReceiver;
use futures::future::{Either, select};
use futures::{Future, StreamExt};

use super::client::{Cancel, Client};
use super::setup::Setup;
use super::steps::{self, Steps};
use super::{errors, updates};
use crate::agent::{ErrorClass, Event, Request};

/// How the conversation ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Stopped(StopReason),
    /// Told to stop.
    Cancelled(Cancel),
    Failed(ErrorClass, String),
    /// It did not answer a step before the prompt in time.
    Silent,
    /// The agent went away in the middle.
    Lost,
}

/// Speaks with the agent until the turn is over. `on_cancel` is called when it is asked to stop:
/// from then on it has a while.
pub(super) async fn speak<W: Write>(
    cx: ConnectionTo<Agent>,
    request: &Request,
    setup: &Setup,
    client: &Client<W>,
    mut cancel: UnboundedReceiver<Cancel>,
    on_cancel: impl Fn(),
) -> Outcome {
    let (steps, late) = steps::watch(setup.step_limit);
    let begun = Box::pin(until(begin(&cx, request, setup, client, steps), &mut cancel));
    let begun = match select(begun, late).await {
        Either::Left((begun, _)) => begun,
        Either::Right((Ok(()), _)) => return Outcome::Silent,
        // Nobody watches the time any more.
        Either::Right((Err(_), begun)) => begun.await,
    };
    let begun = match begun {
        Ok(begun) => begun,
        Err(why) => return Outcome::Cancelled(why),
    };
    let session = match begun {
        Ok(session) => session,
        Err(failed) => return failed,
    };
    {
        let mut inner = client.lock();
        (inner.is_live, inner.step) = (true, None);
    }
    let text = ContentBlock::Text(TextContent::new(setup.prompt.clone()));
    let prompt = PromptRequest::new(session.clone(), vec![text]);
    let answer = Box::pin(cx.send_request(prompt).block_task());
    let (answer, why) = match select(answer, cancel.next()).await {
        Either::Left((answer, _)) => (answer, None),
        Either::Right((why, answer)) => {
            on_cancel();
            // An agent that is gone is no news here.
            drop(cx.send_notification(CancelNotification::new(session)));
            (answer.await, Some(why.unwrap_or(Cancel::Asked)))
        }
    };
    let mut inner = client.lock();
    let mut events = inner.updates.close();
    if let Ok(PromptResponse { usage: Some(used), .. }) = &answer {
        events.push(updates::usage(used));
    }
    inner.tell(events);
    match (answer, why) {
        (Ok(answer), None) => Outcome::Stopped(answer.stop_reason),
        (_, Some(why)) => Outcome::Cancelled(why),
        (Err(e), None) => failed(&e),
    }
}

/// The value of a future, unless the turn is to be ended first.
async fn until<T>(
    what: impl Future<Output = T>,
    cancel: &mut UnboundedReceiver<Cancel>,
) -> Result<T, Cancel> {
    match select(Box::pin(what), cancel.next()).await {
        Either::Left((value, _)) => Ok(value),
        Either::Right((why, _)) => Err(why.unwrap_or(Cancel::Asked)),
    }
}

fn failed(e: &RpcError) -> Outcome {
    if is_incoming_transport_closed(e) || is_connection_terminated(e) {
        return Outcome::Lost;
    }
    let (class, message) = errors::of_error(e);
    Outcome::Failed(class, message)
}

async fn begin<W: Write>(
    cx: &ConnectionTo<Agent>,
    request: &Request,
    setup: &Setup,
    client: &Client<W>,
    steps: Steps,
) -> Result<SessionId, Outcome> {
    let step = |name: &'static str| {
        client.lock().step = Some(name);
        let _unwatched = steps.send(());
    };
    let files = FileSystemCapabilities::new().read_text_file(true).write_text_file(true);
    let hello = InitializeRequest::new(ProtocolVersion::V1)
        // Its commands run where the sandbox has them, and not in a terminal of ours.
        .client_capabilities(ClientCapabilities::new().fs(files).terminal(false))
        .client_info(Implementation::new("otto", env!("CARGO_PKG_VERSION")));
    step("initialize");
    let agent = cx.send_request(hello).block_task().await.map_err(|e| failed(&e))?;
    if agent.protocol_version != ProtocolVersion::V1 {
        let told = format!(
            "the agent speaks version {:?} of the protocol, and Otto version 1",
            agent.protocol_version
        );
        return Err(Outcome::Failed(ErrorClass::BadRequest, told));
    }
    if let Some(method) = &setup.auth_method {
        step("authenticate");
        let asked = cx.send_request(AuthenticateRequest::new(method.clone()));
        asked.block_task().await.map_err(|e| {
            let (_, said) = errors::of_error(&e);
            Outcome::Failed(ErrorClass::Auth, format!("'{method}' did not log in: {said}"))
        })?;
    }
    let (session, options) = open(cx, request, &agent, &step).await?;
    let wishes = [
        (&request.model, SessionConfigOptionCategory::Model, "model"),
        (&request.effort, SessionConfigOptionCategory::ThoughtLevel, "effort"),
    ];
    let mut ignored = Vec::new();
    for (wish, category, name) in wishes {
        let Some(wish) = wish else { continue };
        let of = |o: &&SessionConfigOption| o.category.as_ref() == Some(&category);
        match options.iter().find(of) {
            None => ignored.push(name),
            Some(option) => {
                let value = SessionConfigOptionValue::value_id(wish.clone());
                let set =
                    SetSessionConfigOptionRequest::new(session.clone(), option.id.clone(), value);
                step("session/set_config_option");
                cx.send_request(set).block_task().await.map_err(|e| {
                    let (_, said) = errors::of_error(&e);
                    let told = format!("the agent has no {name} '{wish}': {said}");
                    Outcome::Failed(ErrorClass::BadRequest, told)
                })?;
            }
        }
    }
    let mut inner = client.lock();
    inner.session = Some(session.0.to_string());
    let version = agent.agent_info.map(|info| format!("{} {}", info.name, info.version));
    inner.tell(vec![Event::Started {
        provider_session: Some(session.0.to_string()),
        version,
        model: request.model.clone().filter(|_| !ignored.contains(&"model")),
    }]);
    if !ignored.is_empty() {
        let told = format!("the agent cannot be told its {}: ignored", ignored.join(" and "));
        inner.tell(vec![Event::Raw { data: told.into() }]);
    }
    Ok(session)
}

/// A new session, or the earlier one that the request names.
async fn open(
    cx: &ConnectionTo<Agent>,
    request: &Request,
    agent: &InitializeResponse,
    step: &impl Fn(&'static str),
) -> Result<(SessionId, Vec<SessionConfigOption>), Outcome> {
    let dir = request.workdir.clone();
    let Some(id) = &request.resume else {
        step("session/new");
        let new = cx.send_request(NewSessionRequest::new(dir)).block_task().await;
        return match new {
            Ok(new) => Ok((new.session_id, new.config_options.unwrap_or_default())),
            Err(e) if e.code == ErrorCode::AUTH_REQUIRED => Err(log_in(agent, &e)),
            Err(e) => Err(failed(&e)),
        };
    };
    let none = |why: String| {
        Outcome::Failed(ErrorClass::BadRequest, format!("no such conversation: {id}{why}"))
    };
    if request.fork {
        return Err(none(" can be copied; this agent only goes on with one".into()));
    }
    let session = SessionId::new(id.clone());
    let can = &agent.agent_capabilities;
    let options = if can.session_capabilities.resume.is_some() {
        step("session/resume");
        let asked = cx.send_request(ResumeSessionRequest::new(session.clone(), dir));
        asked.block_task().await.map(|answer| answer.config_options)
    } else if can.load_session {
        step("session/load");
        let asked = cx.send_request(LoadSessionRequest::new(session.clone(), dir));
        asked.block_task().await.map(|answer| answer.config_options)
    } else {
        return Err(none("; this agent keeps none".into()));
    };
    match options {
        Ok(options) => Ok((session, options.unwrap_or_default())),
        Err(e) if e.code == ErrorCode::AUTH_REQUIRED => Err(log_in(agent, &e)),
        Err(e) => match errors::of_error(&e) {
            _ if matches!(failed(&e), Outcome::Lost) => Err(Outcome::Lost),
            (ErrorClass::BadRequest | ErrorClass::Unknown, said) => Err(none(format!(" ({said})"))),
            (class, said) => Err(Outcome::Failed(class, said)),
        },
    }
}

fn log_in(agent: &InitializeResponse, e: &RpcError) -> Outcome {
    let (_, said) = errors::of_error(e);
    let ways: Vec<String> = agent
        .auth_methods
        .iter()
        .filter_map(|method| match method {
            AuthMethod::Agent(own) => Some(format!("{} ({})", own.id.0, own.name)),
            _ => None,
        })
        .collect();
    let how = if ways.is_empty() {
        "log in with the agent's own program".to_owned()
    } else {
        format!("set providers.acp.auth_method to one of: {}", ways.join(", "))
    };
    Outcome::Failed(ErrorClass::Auth, format!("{said}; {how}"))
}
