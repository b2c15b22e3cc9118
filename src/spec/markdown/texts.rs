//! Texts within Markdown. A text that would not come back as it is (control characters, spaces at
//! a line's end, which editors strip, or a quotation mark at its start) is written as a JSON
//! string, and whatever starts with a quotation mark is read as one.

use crate::base::ids::is_group_id;

/// A text on one line: a name, a title.
pub(super) fn word(text: &str) -> String {
    let plain = !text.is_empty() && plain(text) && !text.contains('\n') && text.trim() == text;
    if plain { text.to_owned() } else { json(text) }
}

/// An id in a heading or a list of ids.
pub(super) fn id(text: &str) -> String {
    if is_group_id(text) { text.to_owned() } else { json(text) }
}

/// A path in a bullet.
pub(super) fn path(text: &str) -> String {
    if word(text) == text && !text.contains('`') { format!("`{text}`") } else { json(text) }
}

/// A bullet: further lines are indented by two spaces.
pub(super) fn bullet(text: &str) -> String {
    let text = if plain(text) && text.trim() == text && !text.is_empty() {
        text.to_owned()
    } else {
        json(text)
    };
    let mut out = String::new();
    for (i, line) in text.split('\n').enumerate() {
        let lead = if i == 0 { "- " } else { "  " };
        out.push_str(format!("{lead}{line}").trim_end());
        out.push('\n');
    }
    out
}

/// A block quote.
pub(super) fn quote(text: &str) -> String {
    let text = if plain(text) { text.to_owned() } else { json(text) };
    text.split('\n').map(|line| format!("{}\n", format!("> {line}").trim_end())).collect()
}

/// Reads what [`word`], [`bullet`] or [`quote`] wrote, once its marks are taken off.
pub(super) fn decode(text: &str) -> Result<String, String> {
    if !text.starts_with('"') {
        return Ok(text.to_owned());
    }
    serde_json::from_str(text.trim_end()).map_err(|e| {
        format!("a text that starts with a quotation mark has to be a JSON string: {e}")
    })
}

/// Reads a path with or without backticks.
pub(super) fn decode_path(text: &str) -> Result<String, String> {
    let inner = text.strip_prefix('`').and_then(|t| t.strip_suffix('`'));
    match inner {
        Some(inner) if !inner.contains('`') => Ok(inner.to_owned()),
        Some(_) | None => decode(text),
    }
}

/// Reads one id, and returns what stands behind it.
pub(super) fn take_id<'a>(text: &'a str, ends: &[char]) -> Result<(String, &'a str), String> {
    let text = text.trim_start();
    if !text.starts_with('"') {
        let end = text.find(ends).unwrap_or(text.len());
        return Ok((text[..end].trim_end().to_owned(), &text[end..]));
    }
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<String>();
    match stream.next() {
        Some(Ok(id)) => Ok((id, text[stream.byte_offset()..].trim_start())),
        Some(Err(e)) => Err(format!("not a JSON string: {e}")),
        None => Err("not a JSON string".to_owned()),
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether a text survives an editor: no control characters, nothing at the ends of lines.
fn plain(text: &str) -> bool {
    !text.starts_with('"')
        && !text.contains(|c: char| c != '\n' && super::super::validate::breaks_line(c))
        && text.split('\n').all(|line| line.trim_end() == line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_texts_become_json_strings() {
        assert_eq!(bullet("a\n\n b"), "- a\n\n   b\n");
        assert_eq!(bullet("a \nb"), "- \"a \\nb\"\n");
        assert_eq!(quote("a\n\nb\n"), "> a\n>\n> b\n>\n");
        assert_eq!(word("\"x"), "\"\\\"x\"");
        assert_eq!(path("a`b"), "\"a`b\"");
        assert_eq!(path("a b/**"), "`a b/**`");
        assert_eq!(id("Big One"), "\"Big One\"");
    }

    #[test]
    fn ids_are_taken_one_by_one() {
        assert_eq!(take_id(" a-1 , b", &[',']), Ok(("a-1".to_owned(), ", b")));
        assert_eq!(take_id("\"a, b\": c", &[':']), Ok(("a, b".to_owned(), ": c")));
        assert!(take_id("\"a", &[',']).is_err());
    }
}
