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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    /// What is asked of a server that gives this answer, and what comes of it.
    fn asked(
        answer: &'static str,
        method: &str,
        body: Option<&str>,
    ) -> (String, Result<Answer, String>) {
        let server = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/x", server.local_addr().expect("bound"));
        let serving = std::thread::spawn(move || {
            let (mut client, _) = server.accept().expect("a client");
            let mut said = Vec::new();
            let mut byte = [0];
            while !said.ends_with(b"\r\n\r\n") {
                client.read_exact(&mut byte).expect("a head");
                said.push(byte[0]);
            }
            let text = String::from_utf8_lossy(&said).to_ascii_lowercase();
            let length =
                text.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse().ok());
            let mut rest = vec![0; length.unwrap_or(0)];
            client.read_exact(&mut rest).expect("a body");
            said.extend(rest);
            client.write_all(answer.as_bytes()).expect("written");
            String::from_utf8_lossy(&said).into_owned()
        });
        let got = send(method, &url, &[], body, Duration::from_secs(20));
        (serving.join().expect("it served"), got)
    }

    #[test]
    fn an_answer_that_ends_early_is_none() {
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour";
        assert_eq!(asked(whole, "GET", None).1.expect("an answer").body, "four");
        let cut = "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nfour";
        assert!(asked(cut, "GET", None).1.is_err());
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n";
        assert!(asked(chunked, "GET", None).1.is_err());
        assert!(asked("", "GET", None).1.is_err());
    }

    #[test]
    fn every_method_takes_a_body_and_no_redirect_is_followed() {
        for method in ["GET", "DELETE", "POST", "PATCH", "QUERY"] {
            let (said, got) = asked("HTTP/1.1 204 No\r\n\r\n", method, Some("{\"a\":1}"));
            assert!(said.starts_with(method) && said.ends_with("{\"a\":1}"), "{said}");
            assert_eq!(got.expect("an answer").status, 204);
        }
        let moved = "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(asked(moved, "GET", None).1.expect("an answer").status, 302);
    }
}
