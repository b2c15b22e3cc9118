//! An instant as it is written in a packet.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An instant: RFC 3339, UTC, for example `2026-11-20T10:11:12.345Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct At(pub Timestamp);

impl At {
    /// Milliseconds since `start`; negative before it.
    pub fn millis_since(self, start: At) -> i64 {
        self.0.as_millisecond() - start.0.as_millisecond()
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for At {
    type Error = jiff::Error;
    fn try_from(s: String) -> Result<Self, jiff::Error> {
        s.parse().map(At)
    }
}

impl From<At> for String {
    fn from(at: At) -> String {
        at.to_string()
    }
}

impl From<Timestamp> for At {
    fn from(at: Timestamp) -> At {
        At(at)
    }
}
