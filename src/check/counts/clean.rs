//! Output as plain lines: without colours, cursor movements and carriage returns, and the small
//! readers that the reports share.

/// Removes terminal control sequences.
pub fn strip_ansi(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// The lines that were written to their end. What a tool was in the middle of writing may be the
/// start of something else: `ok 1` of `ok 1 # skip`. An end tag is its own end.
pub fn whole_lines(text: &str) -> &str {
    let end = text.rfind('\n').map_or(0, |at| at + 1);
    if text[end..].trim_end().ends_with('>') { text } else { &text[..end] }
}

/// Plain lines. A carriage return starts a line, as a progress bar means it.
pub(super) fn text(output: &str) -> String {
    strip_ansi(output).replace("\r\n", "\n").replace('\r', "\n")
}

/// Reads `2 passed, 1 failed (1 slow)` into `(2, "passed")`, `(1, "failed")`; `None` where a part
/// does not start with a number. Remarks in brackets are left out.
pub(super) fn items<'a>(list: &'a str, separator: &str) -> Option<Vec<(u64, &'a str)>> {
    list.split(separator)
        .map(|part| {
            let part = part.trim();
            let part = part.split(" (").next().unwrap_or(part);
            let (number, word) = part.split_once(' ')?;
            Some((number.parse().ok()?, word.trim()))
        })
        .collect()
}

/// The sum of the numbers that stand before one of `words`.
pub(super) fn of(items: &[(u64, &str)], words: &[&str]) -> u64 {
    items.iter().filter(|(_, w)| words.contains(w)).fold(0u64, |sum, (n, _)| sum.saturating_add(*n))
}
