//! Known values, in the forms in which they may be printed.

use std::fmt::Write;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::rules::looks_random;

/// Shorter values would hide ordinary words.
const SHORTEST: usize = 6;
/// Shorter forms of them, too.
const SHORTEST_ENCODED: usize = 12;
/// A longer value is looked for in pieces, each of which is hidden by itself: what must be held
/// back of a stream stays small.
const PIECE: usize = 512;

/// Whether a variable's value is a secret, by its name; where the name says little, by both.
pub fn looks_secret(name: &str, value: &str) -> bool {
    const SAYS: [&str; 14] = [
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "API_KEY",
        "APIKEY",
        "PRIVATE_KEY",
        "ACCESS_KEY",
        "SIGNING_KEY",
        "ENCRYPTION_KEY",
        "CREDENTIAL",
        "WEBHOOK",
        "CONNECTION_STRING",
    ];
    let name = name.to_uppercase();
    // Where something is, and how long or how many, is not what it is.
    let about = ["_FILE", "_PATH", "_DIR", "_TTL", "_COUNT", "_LIMIT", "_TYPE"];
    if about.iter().any(|end| name.ends_with(end)) {
        return false;
    }
    let ends = ["_KEY", "_AUTH", "_PAT", "_PASS", "_PWD"].iter().any(|end| name.ends_with(end));
    SAYS.iter().any(|word| name.contains(word)) || ends && looks_random(value.as_bytes())
}

/// Numbers of texts, by their first byte.
#[derive(Default)]
pub struct Starts(Vec<Vec<usize>>);

impl Starts {
    pub fn of_all(firsts: impl Iterator<Item = u8>) -> Self {
        let mut all = vec![Vec::new(); 256];
        for (n, first) in firsts.enumerate() {
            all[usize::from(first)].push(n);
        }
        Self(all)
    }

    pub fn of(&self, first: u8) -> &[usize] {
        self.0.get(usize::from(first)).map_or(&[], Vec::as_slice)
    }
}

#[derive(Default)]
pub struct Values {
    /// `None` without values.
    pub finder: Option<AhoCorasick>,
    pub patterns: Vec<Vec<u8>>,
    pub starts: Starts,
    /// The name of each pattern.
    of: Vec<usize>,
    names: Vec<String>,
    /// Length of the longest pattern.
    pub longest: usize,
}

impl Values {
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut all = Self::default();
        for (name, value) in pairs {
            let value = value.trim_matches(['\n', '\r', ' ']);
            if value.len() < SHORTEST || says_nothing(value) {
                continue;
            }
            for form in forms(value) {
                all.of.push(all.names.len());
                all.longest = all.longest.max(form.len());
                all.patterns.push(form);
            }
            all.names.push(name);
        }
        all.starts = Starts::of_all(all.patterns.iter().filter_map(|p| p.first().copied()));
        if !all.patterns.is_empty() {
            let built =
                AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&all.patterns);
            // The limit of the crate is four billion states: an environment is far from it.
            all.finder = built.ok();
        }
        all
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub fn name_of(&self, pattern: usize) -> &str {
        &self.names[self.of[pattern]]
    }
}

/// Switches and small numbers, which stand everywhere.
fn says_nothing(value: &str) -> bool {
    let plain = value.len() < 12 && value.bytes().all(|b| b.is_ascii_digit());
    plain || ["false", "enabled", "disabled", "default", "unknown"].contains(&value)
}

/// The value as it is, in JSON (twice: a message in a message), in a URL, in base64 wherever it
/// lies in what was encoded, and in hexadecimal.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut put = |form: &[u8], shortest: usize| {
        if form.len() >= shortest && !found.iter().any(|f| f == form) {
            found.push(form.to_vec());
        }
    };
    let once = in_json(value);
    for text in [value, &once, &in_json(&once), &in_url(value)] {
        pieces(text.as_bytes()).for_each(|piece| put(piece, SHORTEST));
    }
    // A value of several lines is printed with something between them (a diff).
    for line in value.lines().map(str::trim).filter(|l| looks_random(l.as_bytes())) {
        put(line.as_bytes(), 24);
    }
    for piece in pieces(value.as_bytes()) {
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            for before in 0..3 {
                let text = in_base64(&engine, piece, before);
                // The tool base64(1) breaks lines.
                for line in text.as_bytes().chunks(76) {
                    put(if before == 0 { line } else { text.as_bytes() }, SHORTEST_ENCODED);
                }
            }
        }
        let hex = piece.iter().fold(String::new(), |mut text, b| {
            write!(text, "{b:02x}").expect("because writing to a string cannot fail");
            text
        });
        put(hex.as_bytes(), SHORTEST_ENCODED);
    }
    found
}

/// Of about the same length, so that none is a short one.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let n = (bytes.len() / PIECE).max(1);
    bytes.chunks(bytes.len().div_ceil(n))
}

fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn in_url(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
            out.push(b as char);
        } else {
            write!(out, "%{b:02X}").expect("because writing to a string cannot fail");
        }
    }
    out
}

/// What base64 makes of the bytes behind `before` others (mod 3): without the letters that the
/// neighbours decide.
fn in_base64(engine: &impl Engine, bytes: &[u8], before: usize) -> String {
    let mut padded = vec![0; before];
    padded.extend_from_slice(bytes);
    let text = engine.encode(&padded);
    text[(before * 8).div_ceil(6)..(padded.len() * 8) / 6].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_that_a_value_is_secret() {
        for name in ["GITHUB_TOKEN", "db_password", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY"] {
            assert!(looks_secret(name, "whatever"), "{name}");
        }
        assert!(looks_secret("DEPLOY_KEY", "q8Zr2LmX0vTb7NcY"));
        for name in ["PATH", "GIT_AUTHOR_NAME", "GITHUB_TOKEN_FILE", "MAX_TOKENS_LIMIT", "PWD"] {
            assert!(!looks_secret(name, "q8Zr2LmX0vTb7NcY"), "{name}");
        }
        assert!(!looks_secret("PRIMARY_KEY", "customer_id"));
    }

    #[test]
    fn long_values_are_looked_for_in_pieces_that_cover_them() {
        for len in [PIECE - 1, PIECE, PIECE + 1, PIECE * 2 - 1, PIECE * 7 + 3] {
            let value: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
            let all: Vec<&[u8]> = pieces(&value).collect();
            assert!(all.iter().all(|p| p.len() >= PIECE.min(len) - 8 && p.len() < PIECE * 2));
            assert_eq!(all.concat(), value);
        }
        assert_eq!(pieces(b"short").collect::<Vec<_>>(), [b"short"]);
    }
}
