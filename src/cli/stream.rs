//! A stage's output: JSON lines for programs, text for people.

use std::io::Write;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::items::text_of;
use super::start::Ui;
use crate::base::{Error, Exit, SessionId};
use crate::process::stop;
use crate::stage::{Item, Report};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Text,
}

/// Writes lines; shared by the threads of a stage.
#[derive(Debug)]
pub struct Stream {
    pub format: Format,
    quiet: bool,
    // One line at a time, whoever writes it.
    lock: Mutex<()>,
}

impl Stream {
    pub fn new(ui: &Ui, json: bool, quiet: bool) -> Self {
        let format = if json || !ui.stdout_is_terminal { Format::Json } else { Format::Text };
        Self { format, quiet, lock: Mutex::new(()) }
    }

    /// A line on standard output. A reader that went away ends the stage, quietly.
    pub fn line(&self, text: &str) {
        let _one_at_a_time = self.lock.lock();
        let mut out = std::io::stdout().lock();
        let written = writeln!(out, "{text}").and_then(|()| out.flush());
        if written.is_err_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe) {
            stop::request(libc::SIGPIPE);
        }
    }

    fn people(&self, text: &str) {
        if !self.quiet {
            let _one_at_a_time = self.lock.lock();
            // Nobody is left to tell when standard error is closed.
            drop(writeln!(anstream::stderr(), "{text}"));
        }
    }

    pub fn handle(&self, session: &SessionId) {
        if self.format == Format::Json {
            let handle = super::handle::Handle::new(session);
            self.line(&serde_json::to_string(&handle).unwrap_or_default());
        }
    }

    /// The last line.
    pub fn end(&self, stage: &str, exit: Exit, error: Option<&Error>) {
        if self.format == Format::Text {
            return;
        }
        let mut end = json!({"otto": "end", "v": 1, "stage": stage, "exit": exit.0});
        if let Some(e) = error {
            end["reason"] = Value::String(e.to_string());
            if let Some(at) = e.retry_at() {
                end["retry_at"] = Value::String(at.to_string());
            }
        }
        self.line(&end.to_string());
    }
}

impl Report for Stream {
    fn item(&self, item: &Item) {
        let text = text_of(item);
        match self.format {
            Format::Json => {
                self.line(&serde_json::to_string(item).unwrap_or_default());
                if let Some(text) = text {
                    self.people(&text);
                }
            }
            Format::Text => {
                if let Some(text) = text {
                    self.line(&text);
                }
            }
        }
    }

    fn say(&self, text: &str) {
        self.people(text);
    }
}
