//! `api_probe`: requests and replies.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::text::{Folded, pretty};

/// More are in the evidence file.
const MOST: usize = 40;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Probe {
    pub service: String,
    pub exchanges: Vec<Exchange>,
    /// How many more the evidence has.
    pub more: usize,
    /// `name = value`.
    pub captures: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exchange {
    pub step: u64,
    pub method: String,
    pub path: String,
    pub sent: Vec<String>,
    pub body: Folded,
    /// `None` where no answer came.
    pub status: Option<u16>,
    pub got: Vec<String>,
    pub answer: Folded,
    pub answer_cut: bool,
    pub ms: f64,
    pub wrong: Vec<String>,
}

#[derive(Deserialize)]
struct Record {
    v: u32,
    evidence: String,
    check: String,
    service: String,
    exchanges: Vec<Pair>,
    #[serde(default)]
    captures: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
struct Pair {
    step: u64,
    request: Request,
    response: Option<Response>,
    #[serde(default)]
    ms: f64,
    #[serde(default)]
    wrong: Vec<String>,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    path: String,
    #[serde(default)]
    headers: Value,
    #[serde(default)]
    body: Value,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    #[serde(default)]
    headers: Value,
    #[serde(default)]
    body: Value,
    #[serde(default)]
    body_truncated: bool,
}

pub fn read(check: &str, bytes: &[u8]) -> Option<Probe> {
    let record: Record = serde_json::from_slice(bytes).ok()?;
    if record.v != 1 || record.evidence != "api_probe" || record.check != check {
        return None;
    }
    let more = record.exchanges.len().saturating_sub(MOST);
    Some(Probe {
        service: record.service,
        exchanges: record.exchanges.into_iter().take(MOST).map(exchange).collect(),
        more,
        captures: record.captures.iter().map(|(k, v)| format!("{k} = {}", plain(v))).collect(),
    })
}

fn exchange(pair: Pair) -> Exchange {
    let Pair { step, request, response, ms, wrong } = pair;
    let (status, got, answer, answer_cut) = match response {
        None => (None, Vec::new(), Folded::default(), false),
        Some(r) => (Some(r.status), headers(&r.headers), body(&r.body), r.body_truncated),
    };
    Exchange {
        step,
        method: request.method,
        path: request.path,
        sent: headers(&request.headers),
        body: body(&request.body),
        status,
        got,
        answer,
        answer_cut,
        ms,
        wrong,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn body(value: &Value) -> Folded {
    match value {
        Value::Null => Folded::default(),
        Value::String(text) => Folded::of(&pretty(text)),
        other => Folded::of(&format!("{other:#}")),
    }
}

/// `name: value`, from pairs or from an object.
fn headers(value: &Value) -> Vec<String> {
    match value {
        Value::Array(pairs) => pairs
            .iter()
            .filter_map(|pair| {
                let [name, value] = pair.as_array()?.as_slice() else { return None };
                Some(format!("{}: {}", plain(name), plain(value)))
            })
            .collect(),
        Value::Object(map) => map.iter().map(|(k, v)| format!("{k}: {}", plain(v))).collect(),
        _ => Vec::new(),
    }
}
