//! An agent's answer, or a file, as a spec: strict, except that the intent and the version are
//! Otto's to fill in.

use serde_json::{Value, json};

use crate::base::Sha256;
use crate::spec::{Parsed, Problem, parse_value};

/// Fills in `v`, `intent` and `intent_sha256` where they are absent, and refuses them where they
/// are not what was asked for.
pub fn spec_from(mut value: Value, intent: &str) -> Result<Parsed, Vec<Problem>> {
    let mut problems = Vec::new();
    if let Some(map) = value.as_object_mut() {
        map.entry("v").or_insert(json!(1));
        match map.get("intent").and_then(Value::as_str) {
            Some(given) if given.trim() != intent.trim() => problems.push(Problem::new(
                "intent",
                "is not the intent that was asked for; leave it out, or copy it exactly",
            )),
            Some(_) | None => {}
        }
        let intent = map.entry("intent").or_insert(json!(intent)).as_str().unwrap_or_default();
        let hash = Sha256::of(intent.as_bytes()).to_string();
        map.entry("intent_sha256").or_insert(json!(hash));
    }
    match parse_value(value) {
        Ok(parsed) if problems.is_empty() => Ok(parsed),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}
