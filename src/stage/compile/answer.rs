//! An agent's answer, or a file, as a spec: strict, except that the intent and the version are
//! Otto's to fill in.

use serde_json::{Value, json};

use crate::base::Sha256;
use crate::spec::{Parsed, Problem, json_schema, parse_value};

/// What Otto fills in, or keeps by itself: an agent is not asked for it, and could not compute a
/// hash.
const OURS: [&str; 4] = ["v", "intent", "intent_sha256", "amendments"];

/// The schema of a spec as an agent answers it.
pub fn answer_schema() -> Value {
    let mut schema = json_schema();
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.retain(|name, _| !OURS.contains(&name.as_str()));
    }
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(|name| !name.as_str().is_some_and(|name| OURS.contains(&name)));
    }
    schema
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::sample;

    #[test]
    fn an_answer_needs_nothing_that_otto_knows() {
        let schema = answer_schema();
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let mut answer = serde_json::to_value(sample::good()).expect("JSON");
        let intent = answer["intent"].as_str().expect("an intent").to_owned();
        answer.as_object_mut().expect("an object").retain(|key, _| !OURS.contains(&key.as_str()));
        assert!(validator.is_valid(&answer), "{:?}", validator.iter_errors(&answer).next());
        assert_eq!(spec_from(answer, &intent).expect("a spec").spec, sample::good());
    }
}
