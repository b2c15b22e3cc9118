//! Requests to services on loopback. No redirect is followed, no proxy asked, and of a long answer
//! the start is read.

use std::io::Read;
use std::time::Duration;

use ureq::http::{Request, Response};
use ureq::{Agent, Body};

/// Bytes of a body that are read.
pub const BODY_LIMIT: u64 = 4 << 20;

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case, in the order of the answer.
    pub headers: Vec<(String, String)>,
    /// Bytes that are no UTF-8 are replaced.
    pub body: String,
    /// The body was longer than is read.
    pub truncated: bool,
}

fn agent(limit: Duration) -> Agent {
    Agent::new_with_config(
        Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .proxy(None)
            .user_agent("otto")
            .timeout_global(Some(limit))
            .build(),
    )
}

/// The status of a GET.
pub fn get(url: &str, limit: Duration) -> Result<u16, String> {
    let answered = agent(limit).get(url).call().map_err(|e| e.to_string())?;
    Ok(answered.status().as_u16())
}

/// Sends one request; `Err` is why there is no answer, or why it cannot be sent.
pub fn send(
    method: &str,
    url: &str,
    headers: &[(String, String)],
    body: Option<&str>,
    limit: Duration,
) -> Result<Answer, String> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let agent = agent(limit);
    let answered = match body {
        Some(body) => agent.run(request.body(body.as_bytes().to_vec()).map_err(|e| e.to_string())?),
        None => agent.run(request.body(()).map_err(|e| e.to_string())?),
    };
    read(answered.map_err(|e| e.to_string())?)
}

fn read(mut answered: Response<Body>) -> Result<Answer, String> {
    let status = answered.status().as_u16();
    let headers = answered
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let mut bytes = Vec::new();
    let reader = answered.body_mut().as_reader();
    reader.take(BODY_LIMIT + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    let truncated = bytes.len() as u64 > BODY_LIMIT;
    bytes.truncate(BODY_LIMIT as usize);
    Ok(Answer { status, headers, body: String::from_utf8_lossy(&bytes).into_owned(), truncated })
}
