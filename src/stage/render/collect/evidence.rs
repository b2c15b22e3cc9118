//! Captured output, cut to what a person reads.

use std::collections::BTreeMap;

use super::super::packet::Evidence;
use crate::base::Sha256;
use crate::base::text::count;
use crate::check::counts::strip_ansi;
use crate::check::evidence::EvidenceStore;
use crate::check::{EvidenceRef, Outcome, Reason};

/// Lines kept of each end.
const LINES: usize = 40;
/// Bytes kept of each end; with the note between them an excerpt is at most 6 kB.
const BYTES: usize = 2900;

/// Reads each piece once, however many runs cite it.
pub(super) struct Excerpts {
    store: EvidenceStore,
    seen: BTreeMap<Sha256, Result<(u64, String, bool), String>>,
}

impl Excerpts {
    pub fn new(store: EvidenceStore) -> Self {
        Self { store, seen: BTreeMap::new() }
    }

    /// The piece as it is shown, and what is wrong with it if it is not what was captured.
    pub fn show(&mut self, piece: &EvidenceRef, of: &Outcome) -> (Evidence, Option<String>) {
        let found = self.seen.entry(piece.0).or_insert_with(|| {
            if !self.store.path(&piece.0).exists() {
                return Err("is not in the evidence folder.".to_owned());
            }
            let bytes = self.store.read(piece).map_err(|_| "was altered.".to_owned())?;
            let cut = bytes.starts_with(b"[the first ");
            Ok((bytes.len() as u64, excerpt(&bytes), cut))
        });
        let sha256 = piece.0;
        match found {
            Ok((bytes, excerpt, cut)) => {
                let truncated = *cut || of.reason() == Reason::OutputTruncated;
                (Evidence { sha256, bytes: *bytes, excerpt: excerpt.clone(), truncated }, None)
            }
            Err(how) => {
                let excerpt = format!("[this evidence {how}]");
                (Evidence { sha256, bytes: 0, excerpt, truncated: true }, Some(how.clone()))
            }
        }
    }
}

/// The first and the last lines, at most 6 kB, without control characters. Empty for what is not
/// text.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    if bytes.contains(&0) {
        return String::new();
    }
    let text =
        strip_ansi(&String::from_utf8_lossy(bytes)).replace("\r\n", "\n").replace('\r', "\n");
    let text: String =
        text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let text = if lines.len() <= 2 * LINES {
        lines.join("\n")
    } else {
        let out = count(lines.len() - 2 * LINES, "line");
        let (first, last) = (&lines[..LINES], &lines[lines.len() - LINES..]);
        format!("{}\n[{out} left out]\n{}", first.join("\n"), last.join("\n"))
    };
    if text.len() <= 2 * BYTES {
        return text;
    }
    let head = text.floor_char_boundary(BYTES);
    let tail = text.ceil_char_boundary(text.len() - BYTES);
    let out = count(tail - head, "byte");
    format!("{}\n[{out} left out]\n{}", &text[..head], &text[tail..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_ends_are_kept() {
        let text: String = (0..500).map(|n| format!("line {n}\n")).collect();
        let out = excerpt(text.as_bytes());
        assert!(out.starts_with("line 0\n") && out.ends_with("line 499"));
        assert!(out.contains("line 39\n[420 lines left out]\nline 460\n"), "{out}");
        assert_eq!(excerpt(b"\x1b[31mred\x1b[0m\x07\r\nnext\x08\n"), "red\nnext");
        assert_eq!(excerpt(b"PNG\0\x01"), "");
    }

    proptest! {
        #[test]
        fn an_excerpt_is_short_and_plain(bytes in prop::collection::vec(any::<u8>(), 0..20_000)) {
            let out = excerpt(&bytes);
            prop_assert!(out.len() <= 6000, "{}", out.len());
            prop_assert!(!out.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
    }
}
