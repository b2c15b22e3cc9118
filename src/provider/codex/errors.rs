//! What Codex says when something fails, and what that means. It has no codes, only words, and this
//! is the only place that knows them. The most specific comes first.

use crate::agent::ErrorClass;
use crate::provider::io::class_of;

/// Parts of messages, lower case and with straight apostrophes.
const WORDS: [(&str, ErrorClass); 39] = [
    ("usage limit", ErrorClass::Quota),
    ("quota exceeded", ErrorClass::Quota),
    ("insufficient_quota", ErrorClass::Quota),
    ("usage_limit_reached", ErrorClass::Quota),
    ("out of credits", ErrorClass::Quota),
    ("context window", ErrorClass::ContextLength),
    ("context_length", ErrorClass::ContextLength),
    ("input exceeds", ErrorClass::ContextLength),
    ("content_filter", ErrorClass::Refused),
    ("content policy", ErrorClass::Refused),
    ("cyber_policy", ErrorClass::Refused),
    ("missing environment variable", ErrorClass::Auth),
    ("not logged in", ErrorClass::Auth),
    ("codex login", ErrorClass::Auth),
    ("refresh token", ErrorClass::Auth),
    ("status 401", ErrorClass::Auth),
    ("status: 401", ErrorClass::Auth),
    ("status 403", ErrorClass::Auth),
    ("status: 403", ErrorClass::Auth),
    ("status 402", ErrorClass::Quota),
    ("status: 429", ErrorClass::RateLimit),
    ("status 429", ErrorClass::RateLimit),
    ("rate limit", ErrorClass::RateLimit),
    ("rate_limit", ErrorClass::RateLimit),
    ("too many requests", ErrorClass::RateLimit),
    ("high demand", ErrorClass::Overloaded),
    ("at capacity", ErrorClass::Overloaded),
    ("overloaded", ErrorClass::Overloaded),
    ("server_error", ErrorClass::Overloaded),
    ("status 5", ErrorClass::Overloaded),
    ("status: 5", ErrorClass::Overloaded),
    ("connection failed", ErrorClass::Network),
    ("error sending request", ErrorClass::Network),
    ("stream disconnected", ErrorClass::Network),
    ("timed out", ErrorClass::Network),
    ("idle timeout", ErrorClass::Network),
    ("invalid_request_error", ErrorClass::BadRequest),
    ("status 4", ErrorClass::BadRequest),
    ("status: 4", ErrorClass::BadRequest),
];

pub(super) fn of_words(words: &str) -> Option<ErrorClass> {
    class_of(&WORDS, &words.replace('’', "'"))
}

/// The class of `turn.failed`. The answer to a bad request comes as it is: a JSON object.
pub(super) fn of_failure(words: &str) -> ErrorClass {
    let is_body = || {
        let body: Result<serde_json::Value, _> = serde_json::from_str(words);
        body.is_ok_and(|body| body.get("error").is_some())
    };
    of_words(words)
        .unwrap_or_else(|| if is_body() { ErrorClass::BadRequest } else { ErrorClass::Unknown })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_message_has_its_class() {
        use ErrorClass::*;
        for (words, class) in [
            ("unexpected status 401 Unauthorized: bad key, url: http://x/v1/responses", Auth),
            ("Missing environment variable: `KEY`.", Auth),
            ("exceeded retry limit, last status: 429 Too Many Requests, request id: r", RateLimit),
            ("You’ve hit your usage limit. Try again later.", Quota),
            ("Quota exceeded. Check your plan and billing details.", Quota),
            (
                "We’re currently experiencing high demand, which may cause temporary errors.",
                Overloaded,
            ),
            ("unexpected status 503 Service Unavailable: x", Overloaded),
            ("exceeded retry limit, last status: 500 Internal Server Error", Overloaded),
            ("Connection failed: error sending request", Network),
            ("stream disconnected before completion: x", Network),
            ("Your input exceeds the context window of this model.", ContextLength),
            ("Incomplete response returned, reason: content_filter", Refused),
            ("Incomplete response returned, reason: max_output_tokens", Unknown),
            ("{\"error\":{\"message\":\"no\",\"type\":\"x\"}}", BadRequest),
            ("unexpected status 404 Not Found: x", BadRequest),
            ("who knows", Unknown),
        ] {
            assert_eq!(of_failure(words), class, "{words}");
        }
    }
}
