//! Hiding secrets in whatever is about to be written: known values (variables whose names look
//! secret, in every encoding that is cheap to look for) and known shapes (keys and tokens of
//! providers, private keys, URLs with a password, …).
//!
//! Everything works on bytes and on a stream: a [`Redactor`] takes chunks and gives out only what
//! can no longer become a part of a secret, so that it does not matter where a writer cut. What it
//! holds back is bounded by the longest beginning of a secret, and not by the length of a line.
//!
//! Deliberately absent: guessing by entropy alone. A random word without a shape or a name beside
//! it is shown, because most of them are hashes that a reader needs. See `docs/redaction.md`.

mod json;
mod pem;
mod rules;
mod scan;
mod values;

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

pub(crate) use self::scan::{Scan, Span};
use self::values::Values;

/// What to hide. Cheap to clone; its values are never printed.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Values>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({:?})", self.0.names())
    }
}

impl Secrets {
    /// The named variables of this process's environment, every other one whose name looks secret,
    /// and all known shapes.
    pub fn from_env(named: &[String]) -> Self {
        Self::of(
            std::env::vars()
                .filter(|(name, value)| named.contains(name) || values::looks_secret(name, value)),
        )
    }

    /// The same without values that may stand in ordinary text: words, and places.
    pub fn random_from_env(named: &[String]) -> Self {
        let tells = |(name, value): &(String, String)| {
            (named.contains(name) || values::looks_secret(name, value))
                && rules::looks_random(value.as_bytes())
                && !value.starts_with('/')
        };
        Self::of(std::env::vars().filter(tells))
    }

    /// These values, by the names to show instead of them, and all known shapes. Values that are
    /// too short, and those that are plain numbers or switches, would hide ordinary text.
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(Arc::new(Values::new(pairs)))
    }

    pub fn hide(&self, text: &str) -> String {
        let hidden = self.hide_bytes(text.as_bytes());
        // A match begins and ends between characters: shapes are ASCII, and values are texts.
        String::from_utf8_lossy(&hidden).into_owned()
    }

    /// Borrowed when there is nothing to hide.
    pub fn hide_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if bytes.len() > STEP {
            // In steps: what is known of a text takes more room than it.
            let (mut stream, mut out) = (self.stream(), Vec::with_capacity(bytes.len()));
            stream.take(bytes, &mut out);
            stream.finish(&mut out);
            return if out == bytes { Cow::Borrowed(bytes) } else { Cow::Owned(out) };
        }
        let found = Scan::new(self.clone()).look(bytes, true);
        if found.spans.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut out = Vec::with_capacity(bytes.len());
        replace(bytes, 0..bytes.len(), &found.spans, &mut out);
        Cow::Owned(out)
    }

    /// Hides in every text of a value, names of fields included. A text in a field is judged with
    /// its name.
    pub fn hide_json(&self, value: &Value) -> Value {
        json::hide(self, "", value)
    }

    /// For bytes that come in chunks.
    pub fn stream(&self) -> Redactor {
        Redactor { scan: Scan::new(self.clone()), pending: Vec::new() }
    }

    fn values(&self) -> &Values {
        &self.0
    }
}

/// Hides in a stream. Every byte goes in once through [`Redactor::take`] and comes out at once
/// unless it may begin a secret; [`Redactor::finish`] gives out the rest.
#[derive(Debug)]
pub struct Redactor {
    scan: Scan,
    /// The beginning of what may be a secret.
    pending: Vec<u8>,
}

/// So much is looked at in one go, whatever the size of a text.
const STEP: usize = 64 << 10;

impl Redactor {
    /// Appends to `out` what is safe to write.
    pub fn take(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        for part in chunk.chunks(STEP) {
            self.pending.extend_from_slice(part);
            self.step(false, out);
        }
    }

    /// Appends what was held back: nothing more comes.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.flush(out);
    }

    /// Appends what was held back.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.step(true, out);
    }

    /// How many bytes are held back.
    pub fn held(&self) -> usize {
        self.pending.len()
    }

    fn step(&mut self, at_end: bool, out: &mut Vec<u8>) {
        let found = self.scan.look(&self.pending, at_end);
        replace(&self.pending, 0..found.decided, &found.spans, out);
        self.pending.drain(..found.decided);
    }
}

/// Copies a part of `bytes`, with what is hidden replaced. A span that began before the part is
/// not named again.
pub(crate) fn replace(
    bytes: &[u8],
    part: std::ops::Range<usize>,
    spans: &[Span],
    out: &mut Vec<u8>,
) {
    let mut at = part.start;
    for span in spans.iter().filter(|s| s.range.end > part.start && s.range.start < part.end) {
        out.extend_from_slice(&bytes[at..span.range.start.max(at)]);
        if span.range.start >= part.start
            && let Some(name) = &span.name
        {
            out.extend_from_slice(format!("[{name} hidden]").as_bytes());
        }
        at = span.range.end.min(part.end);
    }
    out.extend_from_slice(&bytes[at..part.end]);
}
