//! The answer of a program that knows no protocol: JSON in a file, or the last thing it printed.

use std::path::Path;

use serde_json::Value;

use crate::disk;

/// No answer is larger; a specification of a thousand groups is a tenth of it.
const MAX_FILE: u64 = 16 << 20;

/// The JSON in the answer's file; `Ok(None)` when there is no file. `Err` says, as a sentence,
/// what is wrong with the one that is there.
pub(super) fn from_file(path: &Path) -> Result<Option<Value>, String> {
    let shown = path.display();
    match std::fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(format!("the answer '{shown}' cannot be read: {e}")),
        // A pipe would block for ever.
        Ok(meta) if !meta.is_file() => return Err(format!("the answer '{shown}' is not a file")),
        Ok(meta) if meta.len() > MAX_FILE => {
            return Err(format!("the answer '{shown}' is larger than 16 MiB"));
        }
        Ok(_) => {}
    }
    let bytes = disk::read(path).map_err(|e| e.to_string())?;
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|e| format!("the answer '{shown}' is not JSON: {e}"))
}

/// The last JSON object in `text` that lies in no other object or array. Every candidate is read
/// by the JSON parser, so that braces in strings and prose around it do not matter.
pub(in crate::provider) fn last_object(text: &str) -> Option<Value> {
    let mut last = None;
    let mut at = 0;
    while let Some(found) = text[at..].find(['{', '[']) {
        at += found;
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                at += values.byte_offset();
                // An empty one answers nothing; it is a piece of code that somebody quoted.
                if value.as_object().is_some_and(|map| !map.is_empty()) {
                    last = Some(value);
                }
            }
            // It was never closed: what follows is inside of it.
            Some(Err(e)) if e.is_eof() => break,
            Some(Err(_)) | None => at += 1,
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_top_level_object_counts() {
        for (text, wanted) in [
            ("", None),
            ("nothing { here } at all", None),
            ("{\"a\":1}", Some(json!({"a": 1}))),
            ("{\"a\":1}\n{\"b\":2}\nbye", Some(json!({"b": 2}))),
            (
                "so:\n{\n  \"a\": {\n    \"b\": [1, {}]\n  }\n}\n",
                Some(json!({"a": {"b": [1, {}]}})),
            ),
            ("{\"a\":\"} { \\\" {\"}", Some(json!({"a": "} { \" {"}))),
            ("if (x) { y } [info] {\"a\":1} {z}", Some(json!({"a": 1}))),
            ("[{\"a\":1}]", None),
            ("{\"a\":1} for fn main() {}", Some(json!({"a": 1}))),
            ("{\"a\":1} then {\"b\":[{\"c\":2}", Some(json!({"a": 1}))),
            ("```json\n{\"a\":1}\n```", Some(json!({"a": 1}))),
        ] {
            assert_eq!(last_object(text), wanted, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_object_after_prose_is_found(
            prose in "[a-z(){},:; ]{0,40}", key in "[a-z{}\"\\\\]{0,8}", text in any::<String>()
        ) {
            let answer = json!({"k": {key: text}});
            for printed in [answer.to_string(), serde_json::to_string_pretty(&answer).expect("JSON")] {
                let all = format!("{prose}\n{printed}\n{prose}");
                prop_assert_eq!(last_object(&all), Some(answer.clone()));
            }
        }
    }
}
