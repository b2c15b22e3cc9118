//! One request: which step answers it, what is sent, and what is written down about it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::conversation::{Chosen, Conversation};
use super::http::{self, Request};
use super::script::{How, Step};
use super::{Options, Source, anthropic, responses};

/// How long a client may take to say something, and how often a marker is looked at.
const SILENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(10);

pub struct Shared {
    source: Source,
    port: u16,
    most: usize,
    asked: AtomicUsize,
    over: AtomicBool,
    /// How often each failure of each step of each message happened.
    failed: Mutex<HashMap<(u64, usize, usize), u32>>,
    log: Mutex<(Vec<Value>, Option<File>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Vendor {
    Anthropic,
    OpenAi,
}

impl Shared {
    pub fn new(source: Source, options: &Options, port: u16) -> io::Result<Self> {
        let file = options.log.as_ref().map(File::create).transpose()?;
        Ok(Self {
            source,
            port,
            most: options.most,
            asked: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            failed: Mutex::default(),
            log: Mutex::new((Vec::new(), file)),
        })
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub fn log(&self) -> Vec<Value> {
        self.log.lock().expect("nobody panics with it").0.clone()
    }

    fn write_down(&self, entry: Value) {
        let mut log = self.log.lock().expect("nobody panics with it");
        if let Some(file) = &mut log.1 {
            drop(writeln!(file, "{entry}"));
        }
        log.0.push(entry);
    }

    /// The failure that is due at this step.
    fn failure<'a>(&self, chosen: &'a Chosen) -> Option<&'a How> {
        let mut failed = self.failed.lock().expect("nobody panics with it");
        for (n, failure) in chosen.step.fail.iter().enumerate() {
            let count = failed.entry((chosen.key, chosen.number, n)).or_default();
            if failure.times.is_none_or(|times| *count < times) {
                *count += 1;
                return Some(&failure.how);
            }
        }
        None
    }
}

/// Answers one request. A client that goes away is no error of ours.
pub fn connection(shared: &Shared, stream: TcpStream) {
    drop(stream.set_read_timeout(Some(SILENCE)));
    if let Ok(Some(request)) = Request::read(&stream) {
        drop(answer(shared, &stream, &request));
    }
}

fn answer(shared: &Shared, stream: &TcpStream, request: &Request) -> io::Result<()> {
    let n = shared.asked.fetch_add(1, Ordering::SeqCst) + 1;
    let mut entry = json!({"n": n, "method": request.method, "path": request.path});
    let vendor = match (request.method.as_str(), request.path.as_str()) {
        _ if n > shared.most => return plain(shared, stream, entry, 503),
        ("POST", "/v1/messages") => Vendor::Anthropic,
        ("POST", "/v1/responses") => Vendor::OpenAi,
        ("HEAD" | "GET", "/") => return plain(shared, stream, entry, 200),
        _ => return plain(shared, stream, entry, 404),
    };
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let of = match vendor {
        Vendor::Anthropic => anthropic::read(&body),
        Vendor::OpenAi => responses::read(&body),
    };
    let key = ["x-api-key", "authorization"].into_iter().find(|h| request.header(h).is_some());
    entry["model"] = json!(of.model);
    entry["stream"] = json!(of.stream);
    entry["key"] = json!(key);
    entry["tools"] = json!(of.tools);
    entry["turns"] = json!(of.model_turns());
    entry["results"] = json!(of.last_results());
    let reply = Reply { shared, stream, vendor, of: &of, id: format!("{}_{n}", shared.port) };
    match of.choose(&shared.source) {
        Ok(chosen) => {
            entry["from"] = json!(chosen.from);
            entry["step"] = json!(chosen.number);
            reply.step(&chosen, entry)
        }
        Err(problem) => {
            entry["answer"] = json!(problem);
            shared.write_down(entry);
            reply.status(400, None, &format!("fake-model: {problem}"), None)
        }
    }
}

fn plain(shared: &Shared, stream: &TcpStream, mut entry: Value, code: u16) -> io::Result<()> {
    entry["answer"] = json!(format!("status {code}"));
    shared.write_down(entry);
    let body = if code == 200 { "" } else { r#"{"error":{"message":"fake-model"}}"# };
    http::send(stream, &http::head(code, "application/json", body.len(), &[]), body, 1)
}

struct Reply<'a> {
    shared: &'a Shared,
    stream: &'a TcpStream,
    vendor: Vendor,
    of: &'a Conversation,
    id: String,
}

impl Reply<'_> {
    fn step(&self, chosen: &Chosen, mut entry: Value) -> io::Result<()> {
        let step = &chosen.step;
        if let Some(mark) = &step.mark {
            std::fs::write(mark, "")?;
        }
        if let Some(file) = &step.until
            && !self.wait_for(file)
        {
            entry["answer"] = json!("gone");
            self.shared.write_down(entry);
            return Ok(());
        }
        let failure = self.shared.failure(chosen);
        entry["answer"] = json!(match failure {
            Some(How::Status { code, .. }) => format!("status {code}"),
            Some(How::Event { kind, .. }) => format!("event {kind}"),
            Some(How::Cut) => "cut".to_owned(),
            Some(How::Close) => "close".to_owned(),
            None => "step".to_owned(),
        });
        self.shared.write_down(entry);
        match failure {
            Some(How::Status { code, kind, message, retry_after }) => {
                let message = message.as_deref().unwrap_or("the script says so");
                self.status(*code, kind.as_deref(), message, *retry_after)
            }
            Some(How::Close) => Ok(()),
            Some(How::Cut) => {
                let events = self.events(step);
                let whole: usize = events.iter().map(String::len).sum();
                // Whole events, so that the agent has begun to show them.
                let half = events[..events.len() / 2].concat();
                http::send(self.stream, &self.stream_head(whole), &half, 1)
            }
            Some(How::Event { kind, message }) => {
                let error = match self.vendor {
                    Vendor::Anthropic => anthropic::error_event(kind, message),
                    Vendor::OpenAi => responses::error_event(&self.id, kind, message),
                };
                let body = self.events(step).swap_remove(0) + error.as_str();
                http::send(self.stream, &self.stream_head(body.len()), &body, 1)
            }
            None if self.vendor == Vendor::Anthropic && !self.of.stream => {
                let body = anthropic::message(step, self.of, &self.id).to_string();
                let head = http::head(200, "application/json", body.len(), &self.request_id());
                http::send(self.stream, &head, &body, step.pieces)
            }
            None => {
                let body = self.events(step).concat();
                http::send(self.stream, &self.stream_head(body.len()), &body, step.pieces)
            }
        }
    }

    /// False when the client or the server went away first.
    fn wait_for(&self, file: &Path) -> bool {
        drop(self.stream.set_read_timeout(Some(LOOK)));
        loop {
            if file.exists() {
                return true;
            }
            if self.shared.is_over() || matches!(self.stream.peek(&mut [0]), Ok(0)) {
                return false;
            }
        }
    }

    fn events(&self, step: &Step) -> Vec<String> {
        match self.vendor {
            Vendor::Anthropic => anthropic::stream(step, self.of, &self.id),
            Vendor::OpenAi => responses::stream(step, &self.id),
        }
    }

    fn request_id(&self) -> [(&'static str, String); 1] {
        [("request-id", format!("req_{}", self.id))]
    }

    fn stream_head(&self, length: usize) -> String {
        http::head(200, "text/event-stream", length, &self.request_id())
    }

    fn status(
        &self,
        code: u16,
        kind: Option<&str>,
        message: &str,
        retry_after: Option<u32>,
    ) -> io::Result<()> {
        let body = match self.vendor {
            Vendor::Anthropic => {
                anthropic::error(kind.unwrap_or_else(|| anthropic::kind(code)), message)
            }
            Vendor::OpenAi => {
                responses::error(kind.unwrap_or_else(|| responses::kind(code)), message)
            }
        };
        let body = body.to_string();
        let mut more = self.request_id().to_vec();
        if let Some(seconds) = retry_after {
            more.push(("retry-after", seconds.to_string()));
        }
        let head = http::head(code, "application/json", body.len(), &more);
        http::send(self.stream, &head, &body, 1)
    }
}
