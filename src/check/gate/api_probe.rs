//! Judges answers of a service against what was expected, and takes from them what later requests
//! need. All that is wrong with an answer is told at once.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Number, Value};
use serde_json_path::JsonPath;

use super::cli_probe::{mismatches, quoted};
use super::pass;
use crate::base::text::{count, one_line};
use crate::check::http::Answer;
use crate::check::{Outcome, Provenance, Reason};
use crate::spec::json;
use crate::spec::{ApiExpectation, ApiRequest, JsonExpectation};

/// Values that were saved, by name.
pub type Saved = BTreeMap<String, String>;

/// A request with every `{{name}}` put in.
#[derive(Debug, Clone, PartialEq)]
pub struct Filled {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
}

/// What is wrong with one answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Wrong {
    /// It is not what was expected.
    Expected(String),
    /// It cannot be told.
    CannotTell(String),
    /// What is looked for may be in the part that was cut.
    Cut(String),
}

impl Wrong {
    pub fn text(&self) -> &str {
        match self {
            Wrong::Expected(text) | Wrong::CannotTell(text) | Wrong::Cut(text) => text,
        }
    }

    fn reason(&self) -> Reason {
        match self {
            Wrong::Expected(_) => Reason::Expectation,
            Wrong::CannotTell(_) => Reason::CannotEvaluate,
            Wrong::Cut(_) => Reason::OutputTruncated,
        }
    }
}

/// Puts in what was saved; `Err` names what was not.
pub fn fill(request: &ApiRequest, saved: &Saved) -> Result<Filled, String> {
    let mut headers = Vec::new();
    for (name, value) in &request.headers {
        headers.push((name.clone(), text(value, saved)?));
    }
    let body = match (&request.body, &request.json) {
        (Some(body), _) => Some(text(body, saved)?),
        (None, Some(json)) => {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            Some(value(json, saved)?.to_string())
        }
        (None, None) => None,
    };
    let path = text(&request.path, saved)?;
    Ok(Filled { method: text(&request.method, saved)?, path, headers, body })
}

fn text(given: &str, saved: &Saved) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = given;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else { break };
        let name = name.trim();
        let value = saved.get(name).ok_or_else(|| format!("nothing was saved as '{name}'"))?;
        out.push_str(before);
        out.push_str(value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Of JSON, the texts are filled; one that is a name alone becomes the value, if that is JSON.
fn value(given: &Value, saved: &Saved) -> Result<Value, String> {
    Ok(match given {
        Value::String(words) => {
            let filled = text(words, saved)?;
            let alone = words.starts_with("{{") && words.ends_with("}}") && *words != filled;
            let number = alone.then(|| filled.parse::<serde_json::Number>().ok()).flatten();
            number.map_or(Value::String(filled), Value::Number)
        }
        Value::Array(items) => {
            Value::Array(items.iter().map(|v| value(v, saved)).collect::<Result<_, _>>()?)
        }
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(k, v)| Ok((k.clone(), value(v, saved)?)))
                .collect::<Result<_, String>>()?,
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => given.clone(),
    })
}

/// Everything that is wrong with an answer.
pub fn judge_answer(answer: &Answer, expect: &ApiExpectation, saved: &Saved) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    match expect.status {
        Some(status) if status != answer.status => {
            wrong
                .push(Wrong::Expected(format!("status: expected {status}, got {}", answer.status)));
        }
        None if !(200..300).contains(&answer.status) => {
            wrong.push(Wrong::Expected(format!("status: expected 2xx, got {}", answer.status)));
        }
        Some(_) | None => {}
    }
    let told = |name: &str, found: Result<Vec<String>, String>, wrong: &mut Vec<Wrong>| match found
    {
        Ok(found) => wrong.extend(found.into_iter().map(Wrong::Expected)),
        Err(why) => wrong.push(Wrong::CannotTell(format!("{name}: {why}"))),
    };
    for (name, expected) in &expect.headers {
        let found = answer.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        match found {
            Some((_, value)) => {
                told(name, mismatches(&format!("header {name}"), value, expected), &mut wrong)
            }
            None => wrong.push(Wrong::Expected(format!("header {name}: it is not there"))),
        }
    }
    let looks_at_body =
        !expect.body.is_empty() || !expect.json.is_empty() || expect.schema.is_some();
    if looks_at_body && answer.truncated {
        wrong.push(Wrong::Cut("the body is too long and was cut, so it proves nothing".to_owned()));
        return wrong;
    }
    told("body", mismatches("body", &answer.body, &expect.body), &mut wrong);
    if expect.json.is_empty() && expect.schema.is_none() {
        return wrong;
    }
    let json = match json_of(&answer.body) {
        Ok(json) => json,
        Err(why) => {
            let got = quoted(&answer.body);
            wrong.push(Wrong::Expected(format!("body: {why}: {got}")));
            return wrong;
        }
    };
    for one in &expect.json {
        wrong.extend(at_path(&json, one, saved));
    }
    if let Some(schema) = &expect.schema {
        match jsonschema::validator_for(schema) {
            Ok(validator) => {
                for fault in validator.iter_errors(&json).take(5) {
                    let at = fault.instance_path().to_string();
                    let at = if at.is_empty() { "/".to_owned() } else { at };
                    let told = one_line(&fault.to_string(), 160);
                    wrong.push(Wrong::Expected(format!("schema: at {at}: {told}")));
                }
            }
            Err(e) => wrong.push(Wrong::CannotTell(format!("schema: it is none: {e}"))),
        }
    }
    wrong
}

/// An object with a key twice is two answers: readers differ in which one they take.
pub fn json_of(body: &str) -> Result<Value, String> {
    let (value, twice) =
        json::parse(body).map_err(|e| format!("it is not JSON ({})", e.message))?;
    match twice.first() {
        Some(problem) => Err(format!("its JSON has a key twice ({problem})")),
        None => Ok(value),
    }
}

fn at_path(json: &Value, expected: &JsonExpectation, saved: &Saved) -> Vec<Wrong> {
    let path = &expected.path;
    let found = match JsonPath::parse(path) {
        Ok(parsed) => parsed.query(json).all(),
        Err(e) => return vec![Wrong::CannotTell(format!("{path}: it is no JSON path: {e}"))],
    };
    let mut wrong = Vec::new();
    let mut say = |text: String| wrong.push(Wrong::Expected(format!("{path}: {text}")));
    if let Some(wanted) = expected.count
        && found.len() as u64 != wanted
    {
        say(format!("expected {wanted} places, found {}", found.len()));
    }
    if expected.equals.is_none() && expected.matches.is_none() {
        if expected.count.is_none() && found.is_empty() {
            say("it is not there".to_owned());
        }
        return wrong;
    }
    let one = match found.as_slice() {
        [one] => *one,
        [] => {
            say("it is not there".to_owned());
            return wrong;
        }
        more => {
            say(format!("expected one place, found {}", more.len()));
            return wrong;
        }
    };
    if let Some(wanted) = &expected.equals {
        match value(wanted, saved) {
            Ok(wanted) if !equal(&wanted, one) => {
                say(format!("expected {}, got {}", short(&wanted), short(one)));
            }
            Ok(_) => {}
            Err(why) => wrong.push(Wrong::CannotTell(format!("{path}: {why}"))),
        }
    }
    if let Some(pattern) = &expected.matches {
        let plain = plain(one);
        match Regex::new(pattern) {
            Ok(regex) if !plain.as_deref().is_some_and(|text| regex.is_match(text)) => {
                wrong.push(Wrong::Expected(format!(
                    "{path}: expected to match {}, got {}",
                    quoted(pattern),
                    short(one)
                )))
            }
            Ok(_) => {}
            Err(_) => wrong.push(Wrong::CannotTell(format!(
                "{path}: {} is no regular expression",
                quoted(pattern)
            ))),
        }
    }
    wrong
}

/// 1 and 1.0 are one value in JSON. Integers are compared as such: as floating point numbers large
/// ones that differ are the same.
fn same_number(a: &Number, b: &Number) -> bool {
    let whole = |n: &Number| {
        let float = || n.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 2f64.powi(100));
        n.as_i128().or_else(|| float().map(|f| f as i128))
    };
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a.as_f64() == b.as_f64(),
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| equal(v, w)))
        }
        (a, b) => a == b,
    }
}

fn short(value: &Value) -> String {
    one_line(&value.to_string(), 80)
}

/// A scalar as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What a request saves of its answer; `Err` is what is not there.
pub fn take(answer: &Answer, save: &BTreeMap<String, String>) -> Result<Saved, Wrong> {
    let mut out = Saved::new();
    for (name, from) in save {
        let missing =
            || Wrong::Expected(format!("nothing to save as '{name}': no {from} in the answer"));
        let found = if let Some(header) = from.strip_prefix("header:") {
            answer.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(header)).map(|h| h.1.clone())
        } else if let Some(pattern) = from.strip_prefix("body:") {
            let regex = Regex::new(pattern).map_err(|_| {
                Wrong::CannotTell(format!("{} is no regular expression", quoted(pattern)))
            })?;
            let found = regex.captures(&answer.body);
            found.and_then(|c| c.get(1).or(c.get(0)).map(|m| m.as_str().to_owned()))
        } else {
            let path = JsonPath::parse(from)
                .map_err(|e| Wrong::CannotTell(format!("{from}: it is no JSON path: {e}")))?;
            let json = json_of(&answer.body).map_err(|_| missing())?;
            path.query(&json).at_most_one().ok().flatten().and_then(plain)
        };
        out.insert(name.clone(), found.ok_or_else(missing)?);
    }
    Ok(out)
}

/// The outcome of all requests: what was wrong with each that was sent, in order.
pub fn judge_api_probe(wrong: &[Vec<Wrong>], of: Provenance) -> Outcome {
    let all = || wrong.iter().flatten();
    let Some(worst) = all().min_by_key(|w| match w {
        Wrong::CannotTell(_) => 0,
        Wrong::Expected(_) => 1,
        Wrong::Cut(_) => 2,
    }) else {
        let detail = format!("{}, answered as expected", count(wrong.len(), "request"));
        return pass(None, None, detail, of);
    };
    let told: Vec<String> = wrong
        .iter()
        .enumerate()
        .flat_map(|(n, of_one)| {
            of_one.iter().map(move |w| format!("request {}: {}", n + 1, w.text()))
        })
        .collect();
    Outcome::red(worst.reason(), told.join("; "), of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: &str) -> Answer {
        let headers = vec![("location".to_owned(), "/login".to_owned())];
        Answer { status, headers, body: body.to_owned(), truncated: false }
    }

    fn expectation(value: Value) -> ApiExpectation {
        serde_json::from_value(value).expect("an expectation")
    }

    fn wrong(answer: &Answer, expect: Value) -> Vec<String> {
        let saved = Saved::from([("n".to_owned(), "7".to_owned())]);
        let found = judge_answer(answer, &expectation(expect), &saved);
        found.iter().map(|w| w.text().to_owned()).collect()
    }

    #[test]
    fn every_expectation_can_fail() {
        let good =
            answer(200, r#"{"total": 7, "items": [{"id": "a1"}, {"id": "b2"}], "gone": null}"#);
        for (expect, is_wrong) in [
            (json!({}), false),
            (json!({"status": 201}), true),
            (json!({"headers": {"Location": {"equals": "/login"}}}), false),
            (json!({"headers": {"Location": {"equals": "/"}}}), true),
            (json!({"headers": {"X-Other": {"contains": ["x"]}}}), true),
            (json!({"body": {"contains": ["total"]}}), false),
            (json!({"body": {"not_contains": ["total"]}}), true),
            (json!({"json": [{"path": "$.total", "equals": 7.0}]}), false),
            (json!({"json": [{"path": "$.total", "equals": "{{n}}"}]}), false),
            (json!({"json": [{"path": "$.total", "equals": "7"}]}), true),
            (json!({"json": [{"path": "$.gone", "equals": null}]}), false),
            (json!({"json": [{"path": "$.absent", "equals": null}]}), true),
            (json!({"json": [{"path": "$.items[*]", "count": 2}]}), false),
            (json!({"json": [{"path": "$.items[*]", "count": 1}]}), true),
            (json!({"json": [{"path": "$.items[*].id", "equals": "a1"}]}), true),
            (json!({"json": [{"path": "$.items[0].id", "matches": "^a"}]}), false),
            (json!({"json": [{"path": "$.items", "matches": "a"}]}), true),
            (json!({"json": [{"path": "$.nothing"}]}), true),
            (json!({"json": [{"path": "$["}]}), true),
            (json!({"schema": {"required": ["total"]}}), false),
            (json!({"schema": {"properties": {"total": {"type": "string"}}}}), true),
            (json!({"schema": {"type": "nothing"}}), true),
        ] {
            let found = wrong(&good, expect.clone());
            assert_eq!(!found.is_empty(), is_wrong, "{expect}: {found:?}");
        }
        // A redirect is no yes, and an answer that was cut says nothing of its body.
        assert_eq!(wrong(&answer(302, ""), json!({})), ["status: expected 2xx, got 302"]);
        let cut = Answer { truncated: true, ..good };
        assert_eq!(wrong(&cut, json!({"body": {"not_contains": ["error"]}})).len(), 1);
        assert!(
            wrong(&answer(200, "<html>"), json!({"json": [{"path": "$.a"}]}))[0]
                .contains("not JSON")
        );
    }

    #[test]
    fn numbers_are_one_where_they_are_the_same() {
        for (body, wanted, is_wrong) in [
            ("9007199254740993", json!(9007199254740992u64), true),
            ("9007199254740993", json!(9007199254740993u64), false),
            ("9007199254740993", json!(9007199254740992.0), true),
            ("[18446744073709551615]", json!([18446744073709551614u64]), true),
            ("-0.0", json!(0), false),
            ("7.0", json!(7), false),
            ("7.5", json!(7), true),
            ("7.5", json!(7.5), false),
            ("1e300", json!(1e300), false),
        ] {
            let expect = json!({"json": [{"path": "$", "equals": wanted}]});
            assert_eq!(!wrong(&answer(200, body), expect).is_empty(), is_wrong, "{body} {wanted}");
        }
    }

    #[test]
    fn an_answer_with_a_key_twice_is_two() {
        let twice = answer(200, r#"{"id": 1, "id": 2}"#);
        for expect in [json!({"json": [{"path": "$.id", "equals": 2}]}), json!({"schema": {}})] {
            assert!(wrong(&twice, expect)[0].contains("a key twice"));
        }
        assert!(take(&twice, &BTreeMap::from([("x".to_owned(), "$.id".to_owned())])).is_err());
    }

    #[test]
    fn what_was_saved_is_sent_and_what_was_not_is_never() {
        let request: ApiRequest = serde_json::from_value(json!({
            "method": "PUT", "path": "/items/{{id}}", "headers": {"authorization": "Bearer {{t}}"},
            "json": {"n": "{{n}}", "text": "no {{n}}", "deep": ["{{id}}"]},
        }))
        .expect("a request");
        let mut saved = Saved::from([("id".into(), "a1".into()), ("n".into(), "7".into())]);
        assert_eq!(fill(&request, &saved), Err("nothing was saved as 't'".to_owned()));
        saved.insert("t".into(), "s".into());
        let filled = fill(&request, &saved).expect("all is there");
        assert_eq!(filled.path, "/items/a1");
        assert_eq!(filled.body.as_deref(), Some(r#"{"n":7,"text":"no 7","deep":["a1"]}"#));
        let from = answer(201, r#"{"id": 3, "list": [1, 2]}"#);
        let save = |v: &str| take(&from, &BTreeMap::from([("x".to_owned(), v.to_owned())]));
        assert_eq!(save("$.id").expect("there")["x"], "3");
        assert_eq!(save("header:Location").expect("there")["x"], "/login");
        assert_eq!(save(r#"body:"id": (\d)"#).expect("there")["x"], "3");
        for absent in ["$.no", "$.list", "header:none", "body:zzz", "$["] {
            assert!(save(absent).is_err(), "{absent}");
        }
    }

    #[test]
    fn the_outcome_names_each_request() {
        let of = || Provenance { commit: "c".into(), tree: "t".into(), ..Provenance::default() };
        assert!(judge_api_probe(&[vec![], vec![]], of()).is_pass());
        let red = judge_api_probe(&[vec![], vec![Wrong::Expected("status".into())]], of());
        assert_eq!((red.reason(), red.detail()), (Reason::Expectation, "request 2: status"));
        let unclear = vec![Wrong::Expected("a".into()), Wrong::CannotTell("b".into())];
        assert_eq!(judge_api_probe(&[unclear], of()).reason(), Reason::CannotEvaluate);
    }
}
