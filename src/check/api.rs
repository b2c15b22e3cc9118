//! Runs an `api_probe`: sends its requests in order, from outside of every sandbox, and keeps each
//! request and its answer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::gate::{self, Saved, Wrong, judge_api_probe};
use super::http::{self, Answer};
use super::{Outcome, Provenance};
use crate::base::Result;
use crate::base::text::one_line;
use crate::spec::ApiProbe;

/// One answer takes no longer than this.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Characters of a body that are kept.
const KEPT: usize = 64 << 10;

/// What a probe saw.
#[derive(Debug)]
pub struct Probed {
    /// As it is kept and shown: see docs/formats.md.
    pub record: Value,
    /// What each request that was sent got wrong.
    pub wrong: Vec<Vec<Wrong>>,
    /// For invariants: status, body and JSON of each answer.
    pub replies: Vec<Value>,
}

/// Sends the requests. After one whose answer cannot be gone on from, no other is sent.
pub fn probe(id: &str, probe: &ApiProbe, url: &str, left: Duration) -> Result<Probed> {
    let until = Instant::now() + left;
    let mut saved = Saved::new();
    let (mut exchanges, mut all, mut replies) = (Vec::new(), Vec::new(), Vec::new());
    for (n, request) in probe.requests.iter().enumerate() {
        crate::process::stop::check()?;
        let left = until.saturating_duration_since(Instant::now());
        let started = Instant::now();
        let mut wrong = Vec::new();
        let filled = match gate::fill(request, &saved) {
            Ok(filled) => filled,
            Err(why) => {
                all.push(vec![Wrong::CannotTell(why)]);
                break;
            }
        };
        let Some(at) = address(url, &filled.path) else {
            let what = one_line(&filled.path, 80);
            all.push(vec![Wrong::Expected(format!("'{what}' leads away from the service"))]);
            break;
        };
        let limit = ANSWER_LIMIT.min(left);
        let sent = http::send(&filled.method, &at, &filled.headers, filled.body.as_deref(), limit);
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        let mut goes_on = true;
        match &sent {
            Err(why) => {
                wrong.push(Wrong::Expected(format!("no answer: {why}")));
                goes_on = false;
            }
            Ok(answer) => {
                wrong.extend(gate::judge_answer(answer, &request.expect, &saved));
                match gate::take(answer, &request.save) {
                    Ok(more) => saved.extend(more),
                    Err(why) => {
                        wrong.push(why);
                        goes_on = false;
                    }
                }
                replies.push(reply(answer));
            }
        }
        exchanges.push(json!({
            "step": n + 1,
            "request": {"method": filled.method, "path": filled.path,
                        "headers": pairs(&filled.headers), "body": filled.body},
            "response": sent.as_ref().ok().map(response),
            "ms": (ms * 10.0).round() / 10.0,
            "wrong": wrong.iter().map(Wrong::text).collect::<Vec<_>>(),
        }));
        all.push(wrong);
        if !goes_on {
            break;
        }
    }
    let record = json!({"v": 1, "evidence": "api_probe", "check": id, "service": probe.service,
                        "exchanges": exchanges, "captures": saved});
    Ok(Probed { record, wrong: all, replies })
}

/// Where a request goes. Part of a path may come from an answer: it may be a whole address of the
/// service's own, and never one of another.
fn address(url: &str, path: &str) -> Option<String> {
    let path = path.strip_prefix(url).unwrap_or(path);
    let is_path = path.starts_with('/') && !path.contains(|c: char| c.is_control() || c == '\\');
    is_path.then(|| format!("{url}{path}"))
}

/// The outcome. A request that was not sent, because one before it failed, is in the detail of that.
pub fn judge(probed: &Probed, of: Provenance) -> Outcome {
    judge_api_probe(&probed.wrong, of)
}

fn pairs(headers: &[(String, String)]) -> Value {
    headers.iter().map(|(name, value)| json!([name, value])).collect()
}

fn response(answer: &Answer) -> Value {
    let kept: String = answer.body.chars().take(KEPT).collect();
    let cut = answer.truncated || kept.len() < answer.body.len();
    json!({"status": answer.status, "headers": pairs(&answer.headers), "body": kept,
           "body_truncated": cut})
}

fn reply(answer: &Answer) -> Value {
    // One that has a key twice is none, here as where it is judged.
    let parsed = gate::json_of(&answer.body).unwrap_or(Value::Null);
    json!({"status": answer.status, "body": answer.body, "json": parsed})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_leads_to_no_other_server() {
        const URL: &str = "http://127.0.0.1:4000";
        let at = |path: &str| address(URL, path);
        assert_eq!(at("/books/1?a=b"), Some(format!("{URL}/books/1?a=b")));
        assert_eq!(at(&format!("{URL}/books/1")), Some(format!("{URL}/books/1")));
        for path in
            ["@127.0.0.1:9/x", "0/x", "http://127.0.0.1:9/x", "", "books", "/a\r\nHost: b", "/\\b"]
        {
            assert_eq!(at(path), None, "{path}");
        }
        assert_eq!(at(&format!("{URL}9/x")), None);
    }
}
