//! Captured output, cut to what a person reads.

use std::collections::BTreeMap;

use super::super::packet::Evidence;
use crate::base::Sha256;
use crate::base::text::count;
use crate::check::counts::strip_ansi;
use crate::check::evidence::{Ends, EvidenceStore};
use crate::check::{EvidenceRef, Outcome, Reason};
use crate::stage::render::exhibit::is_picture;

/// Lines kept of each end.
const LINES: usize = 40;
/// Bytes kept of each end; with the note between them an excerpt is at most 6 kB.
const BYTES: usize = 2900;
/// Of a long piece so many bytes of each end are read.
const LOOK: u64 = 256 << 10;

/// Reads each piece once, however many runs cite it.
pub(super) struct Excerpts {
    store: EvidenceStore,
    seen: BTreeMap<Sha256, Result<Piece, String>>,
}

/// What a piece is, whoever cites it.
struct Piece {
    bytes: u64,
    excerpt: String,
    cut: bool,
    picture: bool,
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
            let ends = self.store.ends(piece, LOOK).map_err(|_| "was altered.".to_owned())?;
            let cut = ends.head.starts_with(b"[the first ");
            let picture = is_picture(&ends.head);
            Ok(Piece { bytes: ends.size, excerpt: excerpt(&ends), cut, picture })
        });
        let sha256 = piece.0;
        match found {
            Ok(Piece { bytes, excerpt, cut, picture }) => {
                let truncated = *cut || of.reason() == Reason::OutputTruncated;
                let (bytes, excerpt, picture) = (*bytes, excerpt.clone(), *picture);
                (Evidence { sha256, bytes, excerpt, truncated, picture }, None)
            }
            Err(how) => {
                let excerpt = format!("[this evidence {how}]");
                let (bytes, truncated, picture) = (0, true, false);
                let lost = Evidence { sha256, bytes, excerpt, truncated, picture };
                (lost, Some(how.clone()))
            }
        }
    }
}

/// The first and the last lines, at most 6 kB, without control characters. Empty for what is not
/// text.
pub(super) fn excerpt(ends: &Ends) -> String {
    let Some(tail) = &ends.tail else { return short(&ends.head) };
    if ends.head.contains(&0) || tail.contains(&0) {
        return String::new();
    }
    let (head, tail) = (plain(&ends.head), plain(tail));
    let head: Vec<&str> = head.lines().take(LINES).collect();
    let tail: Vec<&str> = tail.trim_end().lines().collect();
    let (head, tail) = (head.join("\n"), tail[tail.len().saturating_sub(LINES)..].join("\n"));
    let head = &head[..head.floor_char_boundary(BYTES)];
    let tail = &tail[tail.ceil_char_boundary(tail.len().saturating_sub(BYTES))..];
    format!("{head}\n[the middle of {} bytes is left out]\n{tail}", ends.size)
}

/// Text without what steers a terminal.
fn plain(bytes: &[u8]) -> String {
    let text =
        strip_ansi(&String::from_utf8_lossy(bytes)).replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
}

fn short(bytes: &[u8]) -> String {
    if bytes.contains(&0) {
        return String::new();
    }
    let text = plain(bytes);
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
        let out = short(text.as_bytes());
        assert!(out.starts_with("line 0\n") && out.ends_with("line 499"));
        assert!(out.contains("line 39\n[420 lines left out]\nline 460\n"), "{out}");
        assert_eq!(short(b"\x1b[31mred\x1b[0m\x07\r\nnext\x08\n"), "red\nnext");
        assert_eq!(short(b"PNG\0\x01"), "");
    }

    #[test]
    fn a_huge_piece_is_read_at_its_ends() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = EvidenceStore::new(dir.path().to_owned());
        let line = "0123456789abcde\n";
        let text = format!("first\n{}last\n", line.repeat(4 << 20));
        let kept = store.keep(text.as_bytes()).expect("kept");
        let ends = store.ends(&kept, LOOK).expect("read");
        assert_eq!(ends.size, text.len() as u64);
        assert!(ends.head.len() as u64 == LOOK && ends.tail.is_some());
        let out = excerpt(&ends);
        assert!(out.len() < 6200 && out.starts_with("first\n") && out.ends_with("\nlast"), "{out}");
        assert!(out.contains("[the middle of 67108875 bytes is left out]"), "{out}");
        let mut bytes = text.into_bytes();
        bytes[32 << 20] ^= 1;
        std::fs::write(store.path(&kept.0), &bytes).expect("written");
        store.ends(&kept, LOOK).expect_err("one byte in the middle differs");
    }

    proptest! {
        #[test]
        fn an_excerpt_is_short_and_plain(bytes in prop::collection::vec(any::<u8>(), 0..20_000)) {
            let out = short(&bytes);
            prop_assert!(out.len() <= 6000, "{}", out.len());
            prop_assert!(!out.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
        }
    }
}
