//! What the browser logged: the console, and requests that failed.

use serde::Serialize;
use serde_json::Value;
use thirtyfour::prelude::*;

use crate::base::text::one_line;

/// Lines that are kept.
const MOST: usize = 200;

#[derive(Debug, Clone, Default)]
pub struct Log {
    pub console: Vec<Line>,
    pub failed: Vec<Failed>,
}

/// A line of the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub level: String,
    pub source: String,
    pub text: String,
}

/// A request that was answered with an error, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    pub method: String,
    pub url: String,
    pub status: Option<u64>,
    pub error: Option<String>,
}

impl Log {
    /// What the product did wrong: scripts that failed, requests that its server could not answer.
    /// That something was refused (400 to 499) is often what is wanted.
    pub fn errors(&self) -> Vec<String> {
        let scripts =
            self.console.iter().filter(|l| l.level == "SEVERE" && l.source == "javascript");
        let scripts = scripts.map(|l| one_line(&l.text, 160));
        let requests = self.failed.iter().filter(|f| f.status.is_none_or(|s| s >= 500));
        let requests = requests.map(|f| {
            let how =
                f.status.map_or_else(|| f.error.clone().unwrap_or_default(), |s| s.to_string());
            format!("{} {}: {how}", f.method, one_line(&f.url, 120))
        });
        scripts.chain(requests).take(5).collect()
    }
}

/// Everything since the session began.
pub(super) async fn read(driver: &WebDriver) -> WebDriverResult<Log> {
    let console = driver.get_log("browser").await?.into_iter().take(MOST).map(|entry| Line {
        level: entry.level,
        source: entry.source.unwrap_or_default(),
        text: one_line(&entry.message, 500),
    });
    let console = console.collect();
    let events = driver.get_log("performance").await?;
    Ok(Log { console, failed: failed(events.iter().map(|e| e.message.as_str())) })
}

/// Requests that failed, of the events of the DevTools' network domain.
fn failed<'a>(events: impl Iterator<Item = &'a str>) -> Vec<Failed> {
    let mut methods = std::collections::HashMap::new();
    let mut out = Vec::new();
    for event in events {
        let Ok(event) = serde_json::from_str::<Value>(event) else { continue };
        let (kind, told) = (&event["message"]["method"], &event["message"]["params"]);
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let id = text(&told["requestId"]);
        match kind.as_str() {
            Some("Network.requestWillBeSent") => {
                let request = &told["request"];
                methods.insert(id, (text(&request["method"]), text(&request["url"])));
            }
            Some("Network.responseReceived") => {
                let status = told["response"]["status"].as_u64().unwrap_or(0);
                if status >= 400 {
                    let (method, url) = methods.get(&id).cloned().unwrap_or_default();
                    out.push(Failed { method, url, status: Some(status), error: None });
                }
            }
            // One that the page itself gave up, by leaving, did not fail.
            Some("Network.loadingFailed") if told["canceled"] != true => {
                let error = text(&told["errorText"]);
                let (method, url) = methods.get(&id).cloned().unwrap_or_default();
                if error != "net::ERR_ABORTED" {
                    out.push(Failed { method, url, status: None, error: Some(error) });
                }
            }
            _ => {}
        }
        if out.len() >= MOST {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_that_failed_are_found() {
        let event = |method: &str, params: Value| {
            json!({"message": {"method": method, "params": params}}).to_string()
        };
        let sent = |id: &str, path: &str| {
            event(
                "Network.requestWillBeSent",
                json!({"requestId": id, "request": {"method": "POST", "url": path}}),
            )
        };
        let events = [
            sent("1", "/ok"),
            event(
                "Network.responseReceived",
                json!({"requestId": "1", "response": {"status": 200}}),
            ),
            sent("2", "/bad"),
            event(
                "Network.responseReceived",
                json!({"requestId": "2", "response": {"status": 500}}),
            ),
            sent("3", "/gone"),
            event(
                "Network.loadingFailed",
                json!({"requestId": "3", "errorText": "net::ERR_CONNECTION_REFUSED"}),
            ),
            sent("4", "/left"),
            event(
                "Network.loadingFailed",
                json!({"requestId": "4", "errorText": "net::ERR_ABORTED", "canceled": true}),
            ),
            sent("5", "/favicon.ico"),
            event(
                "Network.responseReceived",
                json!({"requestId": "5", "response": {"status": 404}}),
            ),
            "no JSON".to_owned(),
        ];
        let log = Log { console: Vec::new(), failed: failed(events.iter().map(String::as_str)) };
        assert_eq!(log.failed.len(), 3);
        assert_eq!(log.errors(), ["POST /bad: 500", "POST /gone: net::ERR_CONNECTION_REFUSED"]);
    }
}
