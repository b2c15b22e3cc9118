//! What agents say when something fails, and what that means. The protocol has a code for "log in
//! first" and none for the rest, so that words decide; the most specific come first.

use agent_client_protocol::{Error, ErrorCode};
use serde_json::Value;

use crate::agent::ErrorClass;
use crate::provider::io::class_of;

/// Parts of messages, lower case.
const WORDS: [(&str, ErrorClass); 40] = [
    ("usage limit", ErrorClass::Quota),
    ("limit reached", ErrorClass::Quota),
    ("hit your limit", ErrorClass::Quota),
    ("insufficient_quota", ErrorClass::Quota),
    ("quota exceeded", ErrorClass::Quota),
    ("exceeded your current quota", ErrorClass::Quota),
    ("credit balance", ErrorClass::Quota),
    ("out of credits", ErrorClass::Quota),
    ("prompt is too long", ErrorClass::ContextLength),
    ("context window", ErrorClass::ContextLength),
    ("context_length", ErrorClass::ContextLength),
    ("maximum context", ErrorClass::ContextLength),
    ("authentication", ErrorClass::Auth),
    ("unauthorized", ErrorClass::Auth),
    ("not logged in", ErrorClass::Auth),
    ("please log in", ErrorClass::Auth),
    ("please run /login", ErrorClass::Auth),
    ("api key", ErrorClass::Auth),
    ("api_key", ErrorClass::Auth),
    ("status 401", ErrorClass::Auth),
    ("error: 401", ErrorClass::Auth),
    ("too many requests", ErrorClass::RateLimit),
    ("rate limit", ErrorClass::RateLimit),
    ("rate_limit", ErrorClass::RateLimit),
    ("status 429", ErrorClass::RateLimit),
    ("error: 429", ErrorClass::RateLimit),
    ("overloaded", ErrorClass::Overloaded),
    ("at capacity", ErrorClass::Overloaded),
    ("server_error", ErrorClass::Overloaded),
    ("internal server error", ErrorClass::Overloaded),
    ("status 5", ErrorClass::Overloaded),
    ("error: 5", ErrorClass::Overloaded),
    ("econnrefused", ErrorClass::Network),
    ("econnreset", ErrorClass::Network),
    ("enotfound", ErrorClass::Network),
    ("connection refused", ErrorClass::Network),
    ("connection error", ErrorClass::Network),
    ("stream disconnected", ErrorClass::Network),
    ("fetch failed", ErrorClass::Network),
    ("network error", ErrorClass::Network),
];

pub(super) fn of_words(words: &str) -> Option<ErrorClass> {
    class_of(&WORDS, words)
}

/// The class of an error of the protocol, and everything that it says.
pub(super) fn of_error(error: &Error) -> (ErrorClass, String) {
    let said = said(error);
    let class = match error.code {
        ErrorCode::AUTH_REQUIRED => ErrorClass::Auth,
        _ => of_words(&said).unwrap_or(match error.code {
            ErrorCode::METHOD_NOT_FOUND
            | ErrorCode::INVALID_PARAMS
            | ErrorCode::INVALID_REQUEST
            | ErrorCode::RESOURCE_NOT_FOUND => ErrorClass::BadRequest,
            _ => ErrorClass::Unknown,
        }),
    };
    (class, said)
}

fn said(error: &Error) -> String {
    let more = match &error.data {
        None | Some(Value::Null) => return error.message.clone(),
        Some(Value::String(text)) => text.clone(),
        Some(data) => {
            let told = ["details", "message", "error"].iter().find_map(|k| data.get(k)?.as_str());
            told.map_or_else(|| data.to_string(), str::to_owned)
        }
    };
    if more == error.message { more } else { format!("{}: {more}", error.message) }
}
