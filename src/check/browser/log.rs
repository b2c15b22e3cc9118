//! What the browser logged: the console, requests that failed, and those that nobody answered yet.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use thirtyfour::prelude::*;

use crate::base::text::one_line;
use crate::spec::RefusedRequest;

/// Lines, and failures, that are kept.
const MOST: usize = 200;

#[derive(Debug, Clone, Default)]
pub struct Log {
    pub console: Vec<Line>,
    pub failed: Vec<Failed>,
    /// By the browser's id; those that were answered stay, for their redirections.
    requests: BTreeMap<String, Request>,
    /// Of the page, and not of one in it.
    frame: Option<String>,
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
    /// Whether it was for a page, and not for a part of one.
    #[serde(skip)]
    pub is_page: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Request {
    method: String,
    url: String,
    /// The DevTools' word: `Document`, `Fetch`, `XHR`, `Script`, `Image`, …
    kind: String,
    is_answered: bool,
}

impl Failed {
    /// It was refused (400 to 499) although it should have changed something, or is a page.
    fn is_refused(&self) -> bool {
        let asks_only = matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        self.status.is_some_and(|s| (400..500).contains(&s)) && (self.is_page || !asks_only)
    }

    /// Whether it is the one that a journey means to be refused.
    fn is_meant(&self, refusal: &RefusedRequest) -> bool {
        let (_, after) = self.url.split_once("://").unwrap_or(("", &self.url));
        let path = after.find('/').map_or("/", |at| &after[at..]);
        let path = path.split(['?', '#']).next().unwrap_or_default();
        self.status == Some(refusal.status.into())
            && self.method == refusal.method()
            && path == refusal.path
    }

    fn told(&self) -> String {
        let status = self.status.map(|s| s.to_string());
        let how = status.or_else(|| self.error.clone()).unwrap_or_default();
        format!("{} {}: {how}", self.method, one_line(&self.url, 120))
    }
}

impl Log {
    /// What the product did wrong: scripts that failed, requests that its server could not answer,
    /// changes and pages that it refused although the journey does not mean it to.
    pub fn errors(&self, meant: &[RefusedRequest]) -> Vec<String> {
        let scripts =
            self.console.iter().filter(|l| l.level == "SEVERE" && l.source == "javascript");
        let scripts = scripts.map(|l| one_line(&l.text, 160));
        let is_wrong = |f: &&Failed| match f.status {
            Some(status) if status < 500 => {
                f.is_refused() && !meant.iter().any(|refusal| f.is_meant(refusal))
            }
            Some(_) | None => true,
        };
        scripts.chain(self.failed.iter().filter(is_wrong).map(Failed::told)).take(5).collect()
    }

    /// What should have been refused and was not.
    pub fn not_refused(&self, meant: &[RefusedRequest]) -> Vec<String> {
        let is_missing = |r: &&RefusedRequest| !self.failed.iter().any(|f| f.is_meant(r));
        meant.iter().filter(is_missing).map(RefusedRequest::shown).collect()
    }

    /// A request on which what is shown may still depend.
    pub(super) fn waits_for(&self) -> Option<String> {
        let matters =
            |r: &&Request| matches!(r.kind.as_str(), "Document" | "Fetch" | "XHR" | "Script");
        let open = self.requests.values().filter(|r| !r.is_answered).find(matters)?;
        Some(format!("{} {}", open.method, one_line(&open.url, 120)))
    }

    /// What was asked until now is no matter of what comes next.
    pub(super) fn begin(&mut self) {
        self.requests.values_mut().for_each(|r| r.is_answered = true);
    }

    /// Takes what the browser has logged since the last time.
    pub(super) async fn take(&mut self, driver: &WebDriver) -> WebDriverResult<()> {
        for entry in driver.get_log("browser").await? {
            if self.console.len() < MOST {
                self.console.push(Line {
                    level: entry.level,
                    source: entry.source.unwrap_or_default(),
                    text: one_line(&entry.message, 500),
                });
            }
        }
        for event in driver.get_log("performance").await? {
            self.event(&event.message);
        }
        Ok(())
    }

    /// One event of the DevTools' network domain.
    fn event(&mut self, text: &str) {
        let Ok(event) = serde_json::from_str::<Value>(text) else { return };
        let told = &event["message"]["params"];
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let id = text(&told["requestId"]);
        match event["message"]["method"].as_str() {
            Some("Network.requestWillBeSent") => {
                let request = &told["request"];
                let kind = text(&told["type"]);
                // A page that is left takes what it asked for with it.
                let frame = text(&told["frameId"]);
                if kind == "Document" && *self.frame.get_or_insert_with(|| frame.clone()) == frame {
                    self.begin();
                }
                let (method, url) = (text(&request["method"]), text(&request["url"]));
                self.requests.insert(id, Request { method, url, kind, is_answered: false });
            }
            Some("Network.responseReceived") => {
                let status = told["response"]["status"].as_u64().unwrap_or(0);
                if let Some(request) = self.answered(&id)
                    && status >= 400
                {
                    self.fail(request, Some(status), None);
                }
            }
            Some("Network.loadingFinished") => drop(self.answered(&id)),
            Some("Network.loadingFailed") => {
                let error = text(&told["errorText"]);
                // One that the page itself gave up, by leaving, did not fail.
                let given_up = told["canceled"] == true || error == "net::ERR_ABORTED";
                if let Some(request) = self.answered(&id)
                    && !given_up
                {
                    self.fail(request, None, Some(error));
                }
            }
            _ => {}
        }
    }

    fn answered(&mut self, id: &str) -> Option<Request> {
        let request = self.requests.get_mut(id)?;
        request.is_answered = true;
        Some(request.clone())
    }

    fn fail(&mut self, request: Request, status: Option<u64>, error: Option<String>) {
        if self.failed.len() < MOST {
            let Request { method, url, kind, .. } = request;
            self.failed.push(Failed { method, url, status, error, is_page: kind == "Document" });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(method: &str, params: Value) -> String {
        json!({"message": {"method": method, "params": params}}).to_string()
    }

    fn sent(id: &str, method: &str, path: &str, kind: &str) -> String {
        let request = json!({"method": method, "url": format!("http://127.0.0.1:9{path}")});
        let told = json!({"requestId": id, "frameId": "F", "type": kind, "request": request});
        event("Network.requestWillBeSent", told)
    }

    fn answered(id: &str, status: u64) -> String {
        let told = json!({"requestId": id, "response": {"status": status}});
        event("Network.responseReceived", told)
    }

    fn lost(id: &str, error: &str) -> String {
        event("Network.loadingFailed", json!({"requestId": id, "errorText": error}))
    }

    fn log(events: &[String]) -> Log {
        let mut log = Log::default();
        events.iter().for_each(|e| log.event(e));
        log
    }

    #[test]
    fn requests_that_failed_are_found() {
        let log = log(&[
            sent("1", "POST", "/ok", "Fetch"),
            answered("1", 200),
            sent("2", "POST", "/bad", "Fetch"),
            answered("2", 500),
            sent("3", "GET", "/gone", "Fetch"),
            lost("3", "net::ERR_CONNECTION_REFUSED"),
            sent("4", "POST", "/left", "Fetch"),
            lost("4", "net::ERR_ABORTED"),
            sent("5", "GET", "/favicon.ico", "Other"),
            answered("5", 404),
            "no JSON".to_owned(),
        ]);
        assert_eq!(log.failed.len(), 3);
        assert_eq!(
            log.errors(&[]),
            [
                "POST http://127.0.0.1:9/bad: 500",
                "GET http://127.0.0.1:9/gone: net::ERR_CONNECTION_REFUSED"
            ]
        );
    }

    #[test]
    fn what_is_refused_is_wrong_unless_it_is_meant() {
        let log = log(&[
            sent("1", "POST", "/login?next=/", "Fetch"),
            answered("1", 401),
            sent("2", "GET", "/nowhere", "Document"),
            answered("2", 404),
            sent("3", "GET", "/me", "Fetch"),
            answered("3", 401),
        ]);
        let meant = |method: &str, path: &str, status| RefusedRequest {
            method: method.into(),
            path: path.into(),
            status,
        };
        let both = [meant("POST", "/login", 401), meant("get", "/nowhere", 404)];
        assert_eq!(log.errors(&both), [""; 0]);
        assert_eq!(log.not_refused(&both), [""; 0]);
        assert_eq!(log.errors(&both[..1]), ["GET http://127.0.0.1:9/nowhere: 404"]);
        let others = [meant("POST", "/login", 403), meant("POST", "/log", 401)];
        assert_eq!(log.errors(&others).len(), 2);
        assert_eq!(log.not_refused(&others), ["POST /login: 403", "POST /log: 401"]);
    }

    #[test]
    fn a_page_waits_for_what_it_asked_since_the_last_act() {
        let mut log = log(&[
            sent("1", "GET", "/", "Document"),
            answered("1", 200),
            sent("2", "GET", "/events", "EventSource"),
            sent("3", "GET", "/poll", "Fetch"),
        ]);
        assert_eq!(log.waits_for().as_deref(), Some("GET http://127.0.0.1:9/poll"));
        log.begin();
        assert_eq!(log.waits_for(), None);
        log.event(&sent("4", "POST", "/save", "XHR"));
        assert_eq!(log.waits_for().as_deref(), Some("POST http://127.0.0.1:9/save"));
        // Another page: what the old one asked is nobody's matter.
        log.event(&sent("5", "GET", "/next", "Document"));
        assert_eq!(log.waits_for().as_deref(), Some("GET http://127.0.0.1:9/next"));
        log.event(&answered("5", 200));
        assert_eq!(log.waits_for(), None);
    }
}
