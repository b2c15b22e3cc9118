//! Requests of an `api_probe`: well formed, and able to fail by more than a page that loads.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json_path::JsonPath;

use super::Rules;
use super::checks::expectation;
use crate::spec::model::{ApiProbe, ApiRequest};
use crate::spec::problem::{item, key};

pub(super) fn run(rules: &mut Rules, path: &str, probe: &ApiProbe) {
    let requests = key(path, "requests");
    if probe.requests.is_empty() {
        rules.say(&requests, "is empty; it asks nothing");
        return;
    }
    if !probe.requests.iter().any(proves) {
        rules.say(
            &requests,
            "expects no more than that pages load; look at a body, a header, or the status of a change",
        );
    }
    let mut saved = BTreeSet::new();
    for (i, request) in probe.requests.iter().enumerate() {
        one(rules, &item(&requests, i), request, &saved);
        saved.extend(request.save.keys().map(String::as_str));
    }
}

/// Whether it says more than that something answers: what is in the answer, how a change is answered,
/// or that something is refused.
fn proves(request: &ApiRequest) -> bool {
    let looks = !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS");
    let refused = request.expect.status.is_some_and(|s| (400..500).contains(&s) && s != 404);
    request.expect.looks_inside() || (looks && request.expect.status.is_some()) || refused
}

fn one(rules: &mut Rules, path: &str, request: &ApiRequest, saved: &BTreeSet<&str>) {
    let method = &request.method;
    if method.is_empty() || !method.chars().all(|c| c.is_ascii_uppercase()) {
        rules.say(key(path, "method"), "is no method; write it in capital letters, such as POST");
    }
    if !request.path.starts_with('/') && !request.path.starts_with("{{") {
        rules.say(key(path, "path"), "must begin with '/'");
    }
    if request.body.is_some() && request.json.is_some() {
        rules.say(key(path, "json"), "and 'body' exclude each other");
    }
    let headers = key(path, "headers");
    for name in request.headers.keys() {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(is_name) {
            rules.say(key(&headers, name), "is not the name of a header");
        }
    }
    let texts = request.headers.values().chain([&request.path]).chain(&request.body).cloned();
    let json =
        request.json.iter().chain(request.expect.json.iter().filter_map(|j| j.equals.as_ref()));
    for text in texts.chain(json.flat_map(words)) {
        for name in names(&text) {
            if !saved.contains(name) {
                let message = format!("uses '{{{{{name}}}}}', which no request before it saves");
                rules.say(path, message);
            }
        }
    }
    for (name, from) in &request.save {
        let at = key(&key(path, "save"), name);
        if let Some(pattern) = from.strip_prefix("body:") {
            if let Err(e) = regex::Regex::new(pattern) {
                rules.say(at, format!("is no regular expression: {}", last(&e.to_string())));
            }
        } else if !from.starts_with("header:")
            && let Err(e) = JsonPath::parse(from)
        {
            rules
                .say(at, format!("is neither a JSON path nor 'header:NAME' nor 'body:REGEX': {e}"));
        }
    }
    let expect = key(path, "expect");
    if request.expect.status.is_some_and(|s| !(100..600).contains(&s)) {
        rules.say(key(&expect, "status"), "is no status");
    }
    for (name, text) in &request.expect.headers {
        expectation(rules, &key(&key(&expect, "headers"), name), text);
    }
    expectation(rules, &key(&expect, "body"), &request.expect.body);
    for (i, json) in request.expect.json.iter().enumerate() {
        let at = item(&key(&expect, "json"), i);
        if let Err(e) = JsonPath::parse(&json.path) {
            rules.say(key(&at, "path"), format!("is no JSON path: {e}"));
        }
        if let Some(Err(e)) = json.matches.as_deref().map(regex::Regex::new) {
            let why = last(&e.to_string());
            rules.say(key(&at, "matches"), format!("is no regular expression: {why}"));
        }
    }
    if let Some(schema) = &request.expect.schema {
        let at = key(&expect, "schema");
        match jsonschema::validator_for(schema) {
            Err(e) => rules.say(at, format!("is no JSON Schema: {e}")),
            Ok(_) if schema.as_object().is_none_or(|s| s.is_empty()) => {
                rules.say(at, "fits everything");
            }
            Ok(_) => {}
        }
    }
}

/// All texts in a JSON value.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(words).collect(),
        Value::Object(map) => map.values().flat_map(words).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// The names in `{{name}}`.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}").map(|(name, _)| name.trim()))
}

fn last(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use crate::spec::model::Service;
    use crate::spec::{problems, sample};
    use serde_json::{Value, json};

    fn of(requests: Value) -> Vec<String> {
        let mut spec = sample::good();
        spec.services.push(Service {
            id: "api".into(),
            argv: vec!["./serve".into()],
            env: std::collections::BTreeMap::new(),
            ready: None,
            ready_timeout_s: None,
            data_dir: None,
        });
        spec.groups[1].checks[0] =
            serde_json::from_value(json!({"id": "greets", "kind": "api_probe",
            "features": ["login"], "service": "api", "requests": requests}))
            .expect("the shape of a check");
        let start = "groups[1].checks[0].";
        problems(&spec).iter().map(|p| p.to_string().replacen(start, "", 1)).collect()
    }

    #[test]
    fn a_page_that_loads_proves_nothing() {
        for vacuous in [
            json!([]),
            json!([{"path": "/"}]),
            json!([{"path": "/", "expect": {"status": 200}}, {"path": "/health"}]),
            json!([{"path": "/", "expect": {"status": 404}}]),
            json!([{"path": "/", "method": "POST"}]),
        ] {
            assert_eq!(of(vacuous.clone()).len(), 1, "{vacuous}: {:?}", of(vacuous.clone()));
        }
        for able in [
            json!([{"path": "/", "expect": {"body": {"contains": ["Emma"]}}}]),
            json!([{"path": "/books", "method": "POST", "expect": {"status": 201}}]),
            json!([{"path": "/admin", "expect": {"status": 403}}]),
        ] {
            assert_eq!(of(able.clone()), [""; 0], "{able}");
        }
    }

    #[test]
    fn what_is_malformed_is_named() {
        let inside = json!({"body": {"contains": ["x"]}});
        let with = |mut request: Value| {
            if request.get("expect").is_none() {
                request["expect"] = inside.clone();
            }
            of(json!([request]))
        };
        for (request, wanted) in [
            (json!({"path": "x"}), "requests[0].path: must begin with '/'"),
            (json!({"path": "/", "method": "post"}), "requests[0].method: is no method"),
            (json!({"path": "/{{id}}"}), "requests[0]: uses '{{id}}', which no request"),
            (json!({"path": "/", "json": {"a": ["{{b}}"]}}), "requests[0]: uses '{{b}}'"),
            (json!({"path": "/", "save": {"a": "$["}}), "requests[0].save.a: is neither"),
            (json!({"path": "/", "headers": {"a b": "c"}}), "requests[0].headers[\"a b\"]: is not"),
            (json!({"path": "/", "body": "", "json": 1}), "requests[0].json: and 'body'"),
            (
                json!({"path": "/", "expect": {"json": [{"path": "$["}]}}),
                "requests[0].expect.json[0].path",
            ),
            (json!({"path": "/", "expect": {"schema": {}}}), "requests[0].expect.schema: fits"),
            (
                json!({"path": "/", "expect": {"schema": {"type": "x"}}}),
                "requests[0].expect.schema: is no",
            ),
            (json!({"path": "/", "expekt": {}}), "requests[0].expekt: unknown key"),
        ] {
            let found = with(request.clone());
            assert_eq!(found.len(), 1, "{request}: {found:?}");
            assert!(found[0].starts_with(wanted), "{request}: {found:?}");
        }
    }
}
