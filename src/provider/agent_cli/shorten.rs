//! Values of an agent's lines, cut to what a person reads: an agent that floods stays bounded.

use serde_json::Value;

/// A longer text is cut.
const MAX: usize = 64 << 10;
/// A value with more text than this in all is replaced.
const MAX_VALUE: usize = 1 << 20;

/// Cut between characters, and says how much is missing.
pub(in crate::provider) fn text(text: &str) -> String {
    if text.len() <= MAX {
        return text.to_owned();
    }
    let mut end = MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}… [{} bytes left out]", &text[..end], text.len() - end)
}

/// The same value with its long texts cut.
pub(in crate::provider) fn value(value: Value) -> Value {
    let mut room = MAX_VALUE;
    cut(value, &mut room)
}

fn cut(value: Value, room: &mut usize) -> Value {
    if *room == 0 {
        return Value::String("[left out]".into());
    }
    match value {
        Value::String(long) => {
            let short = text(&long);
            *room = room.saturating_sub(short.len());
            Value::String(short)
        }
        Value::Array(items) => items.into_iter().map(|item| cut(item, room)).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, item)| {
                *room = room.saturating_sub(key.len());
                (key, cut(item, room))
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            *room = room.saturating_sub(4);
            value
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_flood_is_bounded_and_the_rest_is_kept() {
        let flood =
            json!({"a": "é".repeat(5 << 20), "b": [1, "x"], "c": vec!["y".repeat(60000); 100]});
        let short = value(flood);
        assert_eq!(short["b"], json!([1, "x"]));
        assert!(short["a"].as_str().is_some_and(|a| a.ends_with("bytes left out]")));
        assert!(short.to_string().len() < 2 << 20);
        assert_eq!(value(json!({"a": [null, true]})), json!({"a": [null, true]}));
    }
}
