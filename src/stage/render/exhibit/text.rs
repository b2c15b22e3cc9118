//! Long texts: a start to read at once, and a limit.

use serde::Serialize;

use crate::base::text::count;

/// Lines that are shown without being asked for.
const FIRST: usize = 14;
/// Bytes of one text on the page.
const MOST: usize = 8 << 10;

/// A text that may be long.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Folded {
    /// All of it that the page has.
    pub text: String,
    pub lines: usize,
    /// Whether it is folded until somebody wants it.
    pub long: bool,
    /// `3 lines, 812 bytes` that only the evidence file has.
    pub cut: Option<String>,
}

impl Folded {
    pub fn of(text: &str) -> Self {
        let text = text.trim_end_matches(['\n', '\r']);
        let (text, cut) = ends(text);
        let lines = text.lines().count();
        Self { lines, long: lines > FIRST || text.len() > 1600, text, cut }
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// Both ends of what is too long, with a note between them.
fn ends(text: &str) -> (String, Option<String>) {
    if text.len() <= MOST {
        return (text.to_owned(), None);
    }
    let head = text.floor_char_boundary(MOST / 2);
    let tail = text.ceil_char_boundary(text.len() - MOST / 2);
    let out = count(tail - head, "byte");
    (format!("{}\n[{out} left out]\n{}", &text[..head], &text[tail..]), Some(out))
}

/// JSON laid out to be read, where the text is JSON.
pub fn pretty(text: &str) -> String {
    // A large one is cut anyhow.
    let value = (text.len() <= 1 << 20).then(|| serde_json::from_str::<serde_json::Value>(text));
    match value {
        Some(Ok(value)) if value.is_object() || value.is_array() => format!("{value:#}"),
        _ => text.to_owned(),
    }
}
