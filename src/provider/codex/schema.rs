//! The answer's schema. The model's strict mode takes a part of JSON Schema only: every object is
//! closed and requires all of its properties. Another schema is told in the prompt.

use serde_json::Value;

/// Words of JSON Schema that strict mode takes besides annotations.
const KNOWN: [&str; 22] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
    "$ref",
    "$defs",
    "definitions",
    "description",
    "title",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "$schema",
];

/// Whether the model's strict mode can be asked for this schema.
pub(super) fn is_strict(schema: &Value) -> bool {
    let root = schema.get("type").and_then(Value::as_str) == Some("object");
    root && strict_part(schema)
}

fn strict_part(schema: &Value) -> bool {
    let Some(map) = schema.as_object() else { return false };
    if map.keys().any(|key| !KNOWN.contains(&key.as_str())) {
        return false;
    }
    let values = |key: &str| {
        let map = schema.get(key).and_then(Value::as_object);
        map.into_iter().flat_map(|map| map.values())
    };
    let named = ["properties", "$defs", "definitions"];
    if !named.iter().flat_map(|key| values(key)).all(strict_part) {
        return false;
    }
    let any = schema.get("anyOf").and_then(Value::as_array);
    if !any.into_iter().flatten().chain(schema.get("items")).all(strict_part) {
        return false;
    }
    let types = match schema.get("type") {
        Some(Value::Array(types)) => types.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    !types.contains(&"object".into()) || is_closed(schema)
}

fn is_closed(schema: &Value) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    let required: Vec<&str> = required.into_iter().flatten().filter_map(Value::as_str).collect();
    let all = match schema.get("properties").and_then(Value::as_object) {
        Some(properties) => properties.keys().all(|key| required.contains(&key.as_str())),
        None => true,
    };
    all && schema.get("additionalProperties") == Some(&Value::Bool(false))
}

/// What is added to the prompt where the schema cannot be given otherwise.
pub(in crate::provider) fn as_prompt(schema: &Value) -> String {
    format!(
        "\n\nYour last message is read by a program. It must be one JSON object and nothing else, \
         without a code fence, that follows this JSON Schema:\n\n{schema}\n"
    )
}

/// The object that a message is; prose around it, or another value, is no answer. A model that was
/// told so still likes to put it into a fence.
pub(super) fn answer_of(message: &str) -> Option<Value> {
    let text = message.trim();
    let fenced = text.strip_prefix("```json").or_else(|| text.strip_prefix("```"));
    let inner = fenced.and_then(|rest| rest.trim_end().strip_suffix("```")).unwrap_or(text);
    serde_json::from_str::<Value>(inner).ok().filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_closed_and_full_schemas_are_strict() {
        let closed = json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}},
            "required": ["a"], "additionalProperties": false});
        assert!(is_strict(&closed));
        let mut open = closed.clone();
        open["required"] = json!([]);
        assert!(!is_strict(&open));
        let mut nested = closed.clone();
        nested["properties"]["b"] = json!({"type": "array", "items": {"type": "object"}});
        nested["required"] = json!(["a", "b"]);
        assert!(!is_strict(&nested));
        let mut odd = closed.clone();
        odd["properties"]["a"] = json!({"oneOf": [{"const": 1}]});
        assert!(!is_strict(&odd));
        assert!(!is_strict(&json!({"type": "array", "items": closed})));
    }

    #[test]
    fn our_own_schema_of_a_spec_is_told_in_the_prompt() {
        assert!(!is_strict(&crate::spec::json_schema()));
    }

    #[test]
    fn an_answer_is_one_object() {
        for (message, answer) in [
            ("{\"a\":1}", Some(json!({"a": 1}))),
            (" ```json\n{\"a\":1}\n``` ", Some(json!({"a": 1}))),
            ("```\n{\"a\":1}\n```", Some(json!({"a": 1}))),
            ("not json", None),
            ("[1]", None),
            ("here: {\"a\":1}", None),
            ("{\"a\":1", None),
            ("", None),
        ] {
            assert_eq!(answer_of(message), answer, "{message}");
        }
    }
}
