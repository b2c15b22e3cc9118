//! What Claude Code says when something fails, and what that means. The most specific comes first:
//! the words, then the kind of error, then the status of the answer.

use crate::agent::ErrorClass;
use crate::provider::io::class_of;

/// Parts of messages, lower case.
const WORDS: [(&str, ErrorClass); 24] = [
    ("usage limit", ErrorClass::Quota),
    ("hour limit", ErrorClass::Quota),
    ("weekly limit", ErrorClass::Quota),
    ("hit your limit", ErrorClass::Quota),
    ("limit reached", ErrorClass::Quota),
    ("out of extra usage", ErrorClass::Quota),
    ("credit balance is too low", ErrorClass::Quota),
    ("prompt is too long", ErrorClass::ContextLength),
    ("context window", ErrorClass::ContextLength),
    ("not logged in", ErrorClass::Auth),
    ("/login", ErrorClass::Auth),
    ("invalid api key", ErrorClass::Auth),
    ("invalid bearer token", ErrorClass::Auth),
    ("oauth token", ErrorClass::Auth),
    ("authentication_error", ErrorClass::Auth),
    ("cannot be used with root", ErrorClass::BadRequest),
    ("--json-schema is not a valid", ErrorClass::BadRequest),
    ("error: unknown option", ErrorClass::BadRequest),
    ("overloaded", ErrorClass::Overloaded),
    ("request timed out", ErrorClass::Network),
    ("connection refused", ErrorClass::Network),
    ("connection dropped", ErrorClass::Network),
    ("connection error", ErrorClass::Network),
    ("fetch failed", ErrorClass::Network),
];

/// `error` and `api_error` of a line.
const KINDS: [(&str, ErrorClass); 9] = [
    ("authentication_failed", ErrorClass::Auth),
    ("rate_limit", ErrorClass::RateLimit),
    ("overloaded", ErrorClass::Overloaded),
    ("server_error", ErrorClass::Overloaded),
    ("billing_error", ErrorClass::Quota),
    ("model_not_found", ErrorClass::BadRequest),
    ("invalid_request", ErrorClass::BadRequest),
    ("connection_failed", ErrorClass::Network),
    ("prompt_too_long", ErrorClass::ContextLength),
];

pub(super) fn of_words(words: &str) -> Option<ErrorClass> {
    class_of(&WORDS, words)
}

fn of_status(status: u64) -> Option<ErrorClass> {
    Some(match status {
        401 | 403 => ErrorClass::Auth,
        402 => ErrorClass::Quota,
        408 => ErrorClass::Network,
        413 => ErrorClass::ContextLength,
        429 => ErrorClass::RateLimit,
        400..=499 => ErrorClass::BadRequest,
        500..=599 => ErrorClass::Overloaded,
        _ => return None,
    })
}

/// The class of a failed request.
pub(super) fn of_failure(words: &str, kind: Option<&str>, status: Option<u64>) -> ErrorClass {
    let of_kind = |kind| KINDS.iter().find(|(word, _)| *word == kind).map(|(_, class)| *class);
    of_words(words)
        .or_else(|| kind.and_then(of_kind))
        .or_else(|| status.and_then(of_status))
        .unwrap_or(ErrorClass::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_before_kinds_and_kinds_before_the_status() {
        use ErrorClass::*;
        for (words, kind, status, class) in [
            (
                "Invalid API key · Fix external API key",
                Some("authentication_failed"),
                Some(401),
                Auth,
            ),
            ("Not logged in · Please run /login", None, None, Auth),
            (
                "API Error: Request rejected (429) · slow down",
                Some("rate_limit"),
                Some(429),
                RateLimit,
            ),
            ("API Error: Request rejected (429) · slow down", None, Some(429), RateLimit),
            ("Claude AI usage limit reached|1735689600", Some("rate_limit"), Some(429), Quota),
            ("5-hour limit reached ∙ resets 3pm", None, Some(429), Quota),
            ("Credit balance is too low", Some("billing_error"), Some(400), Quota),
            ("API Error: 529 x", Some("overloaded"), Some(529), Overloaded),
            ("API Error: 500 x", Some("server_error"), Some(500), Overloaded),
            ("API Error: 400 x", Some("invalid_request"), Some(400), BadRequest),
            ("no such model", Some("model_not_found"), Some(404), BadRequest),
            ("API Error: x", Some("connection_failed"), None, Network),
            ("Request timed out", None, None, Network),
            ("Prompt is too long", Some("invalid_request"), Some(400), ContextLength),
            ("something else", None, None, Unknown),
        ] {
            assert_eq!(of_failure(words, kind, status), class, "{words}");
        }
    }
}
