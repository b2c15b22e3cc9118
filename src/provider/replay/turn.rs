//! The files of one recorded turn; each may be absent.

use std::path::Path;

use serde_json::Value;

use crate::agent::Event;
use crate::disk;
use crate::provider::io::Failure;
use crate::session::event::Usage;

/// One turn as it was recorded.
#[derive(Debug)]
pub(super) struct Turn {
    pub patch: Option<Vec<u8>>,
    pub answer: Option<Value>,
    /// Lines that say something.
    pub narrative: Vec<String>,
    pub usage: Usage,
    /// Paths to report besides those of the patch.
    pub files: Vec<String>,
}

impl Turn {
    pub fn read(dir: &Path) -> Result<Self, Failure> {
        let bytes = |name: &str| {
            disk::read_if_there(&dir.join(name)).map_err(|e| Failure::bad_request(e.to_string()))
        };
        let lines = |name: &str| -> Result<Vec<String>, Failure> {
            let bytes = bytes(name)?.unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            Ok(text.lines().filter(|l| !l.trim().is_empty()).map(str::to_owned).collect())
        };
        Ok(Self {
            patch: bytes("changes.patch")?.filter(|p| !p.iter().all(u8::is_ascii_whitespace)),
            answer: json(dir, "answer.json", bytes("answer.json")?)?,
            narrative: lines("narrative.txt")?,
            usage: json(dir, "usage.json", bytes("usage.json")?)?.unwrap_or_default(),
            files: lines("files.txt")?,
        })
    }

    /// Tokens and money, as far as they were reported.
    pub fn usage_events(&self) -> Vec<Event> {
        let Usage { input, cached_input, output, reasoning, usd, estimated_usd: _ } = self.usage;
        let mut events = Vec::new();
        if [input, cached_input, output, reasoning].iter().any(Option::is_some) {
            events.push(Event::Usage { input, cached_input, output, reasoning });
        }
        events.extend(usd.map(|usd| Event::Cost { usd }));
        events
    }
}

fn json<T: serde::de::DeserializeOwned>(
    dir: &Path,
    name: &str,
    bytes: Option<Vec<u8>>,
) -> Result<Option<T>, Failure> {
    bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose().map_err(|e| {
        let path = dir.join(name);
        Failure::bad_request(format!("the recording's '{}' cannot be used: {e}", path.display()))
    })
}
