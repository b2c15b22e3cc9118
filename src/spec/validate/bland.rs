//! Whether a probe could be met by a server that does nothing: one that gives every request the same
//! answer, with a status of its choice and one of a few bodies that say nothing. Such a probe shows
//! that a page loads, and no more.

use regex::RegexBuilder;
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::spec::model::{ApiExpectation, ApiRequest, JsonExpectation, TextExpectation};

/// Bodies that say nothing.
const BODIES: [&str; 8] = ["", "null", "true", "\"\"", "{}", "[]", "ok", "OK"];

/// Headers that every server has.
const HEADERS: [&str; 6] =
    ["content-type", "content-length", "connection", "date", "server", "transfer-encoding"];

/// What is malformed says something here: it is reported as what it is.
pub(super) fn would_pass(requests: &[ApiRequest]) -> bool {
    let same_status = (100..600).any(|s| requests.iter().all(|r| takes(&r.expect, s)));
    same_status
        && requests.iter().all(|r| says_nothing(&r.expect) && r.save.values().all(|f| is_bland(f)))
}

/// Whether what is to be saved may be in such an answer.
fn is_bland(from: &str) -> bool {
    match (from.strip_prefix("header:"), from.strip_prefix("body:")) {
        (Some(name), _) => HEADERS.contains(&name.to_ascii_lowercase().as_str()),
        (_, Some(pattern)) => {
            regex::Regex::new(pattern).is_ok_and(|r| BODIES.iter().any(|body| r.is_match(body)))
        }
        (None, None) => from == "$",
    }
}

fn takes(expect: &ApiExpectation, status: u16) -> bool {
    match expect.status {
        Some(wanted) => wanted == status,
        None => (200..300).contains(&status),
    }
}

fn says_nothing(expect: &ApiExpectation) -> bool {
    let ApiExpectation { status: _, headers, body, json, schema } = expect;
    let usual = headers.keys().all(|name| HEADERS.contains(&name.to_ascii_lowercase().as_str()));
    usual
        && BODIES.iter().any(|answer| {
            let parsed = serde_json::from_str::<Value>(answer).ok();
            let json_fits = json.iter().all(|e| parsed.as_ref().is_some_and(|v| at_path(v, e)));
            let schema_fits = schema.as_ref().is_none_or(|schema| {
                let validator = jsonschema::validator_for(schema).ok();
                validator.zip(parsed.as_ref()).is_some_and(|(v, answer)| v.is_valid(answer))
            });
            text(answer, body) && json_fits && schema_fits
        })
}

fn text(answer: &str, expected: &TextExpectation) -> bool {
    let TextExpectation { equals, contains, not_contains, matches } = expected;
    let fits = |pattern: &String| {
        RegexBuilder::new(pattern).multi_line(true).build().is_ok_and(|r| r.is_match(answer))
    };
    equals.as_ref().is_none_or(|whole| whole.trim_end() == answer)
        && contains.iter().all(|part| answer.contains(part.as_str()))
        && !not_contains.iter().any(|part| answer.contains(part.as_str()))
        && matches.as_ref().is_none_or(fits)
}

fn at_path(answer: &Value, expected: &JsonExpectation) -> bool {
    let JsonExpectation { path, equals, matches, count } = expected;
    let Ok(path) = JsonPath::parse(path) else { return false };
    let found = path.query(answer).all();
    if count.is_some_and(|wanted| wanted != found.len() as u64) {
        return false;
    }
    if equals.is_none() && matches.is_none() {
        return count.is_some() || !found.is_empty();
    }
    let [one] = found.as_slice() else { return false };
    let as_text = || if let Value::String(text) = one { text.clone() } else { one.to_string() };
    let fits = |pattern: &String| regex::Regex::new(pattern).is_ok_and(|r| r.is_match(&as_text()));
    equals.as_ref().is_none_or(|wanted| wanted == *one) && matches.as_ref().is_none_or(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_any_server_meets_is_bland() {
        for (requests, bland) in [
            (json!([{"path": "/"}]), true),
            (json!([{"path": "/", "expect": {"status": 200}}]), true),
            (json!([{"method": "POST", "path": "/login", "expect": {"status": 201}}]), true),
            (json!([{"path": "/admin", "expect": {"status": 403}}]), true),
            (json!([{"path": "/", "expect": {"body": {"not_contains": ["error"]}}}]), true),
            (json!([{"path": "/", "expect": {"body": {"equals": "ok\n"}}}]), true),
            (json!([{"path": "/", "expect": {"body": {"matches": "^.*$"}}}]), true),
            (
                json!([{"path": "/", "expect": {"headers": {"Content-Type": {"contains": ["x"]}}}}]),
                true,
            ),
            (json!([{"path": "/", "expect": {"json": [{"path": "$"}]}}]), true),
            (json!([{"path": "/", "expect": {"json": [{"path": "$[*]", "count": 0}]}}]), true),
            (json!([{"path": "/", "expect": {"json": [{"path": "$", "equals": []}]}}]), true),
            (json!([{"path": "/", "expect": {"schema": {"type": "object"}}}]), true),
            (json!([{"path": "/a"}, {"path": "/b", "expect": {"status": 200}}]), true),
            (json!([{"path": "/", "save": {"x": "$"}}, {"path": "/{{x}}"}]), true),
            (json!([{"path": "/", "save": {"x": "$.id"}}, {"path": "/{{x}}"}]), false),
            // Different statuses, or something that has to be there.
            (json!([{"path": "/a"}, {"path": "/b", "expect": {"status": 404}}]), false),
            (json!([{"path": "/", "expect": {"body": {"contains": ["Ann"]}}}]), false),
            (json!([{"path": "/", "expect": {"body": {"matches": "[0-9]"}}}]), false),
            (json!([{"path": "/", "expect": {"headers": {"Location": {"equals": "/"}}}}]), false),
            (json!([{"path": "/", "expect": {"json": [{"path": "$.id"}]}}]), false),
            (json!([{"path": "/", "expect": {"json": [{"path": "$[*]", "count": 2}]}}]), false),
            (
                json!([{"path": "/", "expect": {"schema": {"required": ["id"], "type": "object"}}}]),
                false,
            ),
            (
                json!([{"path": "/", "expect": {"json": [{"path": "$", "equals": []}]}},
                    {"path": "/", "expect": {"json": [{"path": "$[0]", "equals": 1}]}}]),
                false,
            ),
        ] {
            let parsed: Vec<ApiRequest> =
                serde_json::from_value(requests.clone()).expect("requests");
            assert_eq!(would_pass(&parsed), bland, "{requests}");
        }
    }
}
