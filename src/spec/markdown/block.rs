//! Fenced blocks: the structured parts, as YAML where that gives back the same, else as JSON.

use serde_json::{Map, Value};

use super::super::json;

/// A fenced block with these keys.
pub(super) fn write(keys: &Map<String, Value>) -> String {
    let value = Value::Object(keys.clone());
    let (language, text) = match yaml(&value) {
        Some(text) => ("yaml", text),
        None => {
            let text = serde_json::to_string_pretty(&value).expect("a value is plain data");
            ("json", text + "\n")
        }
    };
    let mut longest = 2;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    format!("{fence}{language}\n{text}{fence}\n")
}

/// The value as YAML, if reading it gives back exactly the same and an editor cannot spoil it.
fn yaml(value: &Value) -> Option<String> {
    let mut text = serde_saphyr::to_string(value).ok()?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let spoilt = |line: &str| line.trim_end() != line || line.contains(['\r', '\t', '\u{feff}']);
    if text.split('\n').any(spoilt) {
        return None;
    }
    let back: Value = serde_saphyr::from_str(&text).ok()?;
    // As text, because equality of objects ignores the order of keys.
    let (written, read) = (value.to_string(), back.to_string());
    (written == read).then_some(text)
}

/// What went wrong in a block, and in which of its lines (from 0) where that is known.
pub(super) struct Fault {
    pub(super) line: Option<usize>,
    pub(super) message: String,
}

/// Reads the text between the fences.
pub(super) fn read(language: &str, text: &str) -> Result<Map<String, Value>, Vec<Fault>> {
    let value = match language {
        "yaml" | "yml" => serde_saphyr::from_str::<Value>(text).map_err(|e| {
            let line = e.location().and_then(|l| usize::try_from(l.line()).ok());
            let message = e.to_string();
            // The parser's own position counts from the start of the block.
            let message = message.lines().next().unwrap_or("");
            let message = message.split_once(" column ").map_or(message, |(_, m)| {
                m.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(": ")
            });
            let line = line.map(|n| n.saturating_sub(1));
            vec![Fault { line, message: format!("not valid YAML: {message}") }]
        })?,
        "json" => {
            let (value, duplicates) = json::parse(text).map_err(|p| {
                vec![Fault { line: p.line.map(|n| n.saturating_sub(1)), message: p.message }]
            })?;
            if !duplicates.is_empty() {
                let fault = |p: super::Problem| Fault { line: None, message: p.to_string() };
                return Err(duplicates.into_iter().map(fault).collect());
            }
            value
        }
        other => {
            let message = format!("a block is `yaml` or `json`, not '{other}'");
            return Err(vec![Fault { line: None, message }]);
        }
    };
    match value {
        Value::Object(keys) => Ok(keys),
        Value::Null => Ok(Map::new()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            let message = "a block holds keys and values".to_owned();
            Err(vec![Fault { line: None, message }])
        }
    }
}

/// The lines (from 0) on which the keys of a YAML block stand, and the items of their lists.
pub(super) fn places(text: &str) -> Vec<(String, usize)> {
    let mut out = Vec::new();
    let mut top = String::new();
    let mut items: Option<(usize, usize)> = None;
    for (n, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let is_item = line.trim_start().starts_with("- ");
        if indent == 0
            && !is_item
            && let Some((key, _)) = line.split_once(':')
        {
            top = key.trim_matches(['"', '\'']).to_owned();
            items = None;
            out.push((top.clone(), n));
        } else if is_item && !top.is_empty() {
            let (at, count) = items.unwrap_or((indent, 0));
            if indent == at {
                out.push((format!("{top}[{count}]"), n));
                items = Some((at, count + 1));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(value: Value) -> String {
        write(value.as_object().expect("an object"))
    }

    #[test]
    fn what_yaml_would_change_is_json() {
        assert!(written(json!({"a": "x"})).starts_with("```yaml\n"));
        assert!(written(json!({"a": "x \ny"})).starts_with("```json\n"));
        assert!(written(json!({"a": "x\r\ny"})).ends_with("```\n"));
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        let text = written(json!({"a": "```\nb"}));
        assert!(text.starts_with("````") && text.ends_with("\n````\n"), "{text}");
    }

    #[test]
    fn items_are_found_by_their_line() {
        let text = "checks:\n- id: a\n  argv:\n  - x\n- id: b\nother: 1\n";
        let wanted = [("checks", 0), ("checks[0]", 1), ("checks[1]", 4), ("other", 5)];
        let wanted: Vec<_> = wanted.map(|(k, n)| (k.to_owned(), n)).into();
        assert_eq!(places(text), wanted);
    }
}
