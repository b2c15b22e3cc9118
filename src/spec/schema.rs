//! The JSON Schema of `spec.json`, generated from the types: the one source of truth for shapes.
//! The parser walks it, providers get it, and `docs/spec.schema.json` is a copy of it.

use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::import_check::ImportCheck;
use super::metric::Metric;
use super::model::{
    ApiProbe, BUILT_IN_KINDS, BrowserJourney, CliProbe, Pytest, RepoTest, Spec, StateInvariant,
};
use super::type_check::TypeCheck;

/// The JSON Schema (draft 2020-12) of `spec.json`.
pub fn json_schema() -> Value {
    document().clone()
}

/// The schema as it is committed: two spaces, a line end at the end.
pub fn json_schema_text() -> String {
    let mut text = serde_json::to_string_pretty(document()).expect("a schema is plain data");
    text.push('\n');
    text
}

pub(super) fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(generate)
}

/// The schema of the keys that belong to a built-in kind of check.
pub(super) fn of_kind(kind: &str) -> Option<&'static Value> {
    let name = match kind {
        "repo_test" => "RepoTest",
        "pytest" => "Pytest",
        "cli_probe" => "CliProbe",
        "state_invariant" => "StateInvariant",
        "api_probe" => "ApiProbe",
        "browser_journey" => "BrowserJourney",
        "import_check" => "ImportCheck",
        "type_check" => "TypeCheck",
        "metric" => "Metric",
        _ => return None,
    };
    document().pointer(&format!("/$defs/{name}"))
}

/// The names of the keys that every check has.
pub(super) fn common_check_keys() -> impl Iterator<Item = &'static str> {
    properties(&document()["$defs"]["Check"])
}

/// The names of the keys that an object schema knows.
pub(super) fn properties(schema: &Value) -> impl Iterator<Item = &str> {
    schema["properties"].as_object().into_iter().flat_map(|p| p.keys().map(String::as_str))
}

fn generate() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    generator.subschema_for::<RepoTest>();
    generator.subschema_for::<Pytest>();
    generator.subschema_for::<CliProbe>();
    generator.subschema_for::<StateInvariant>();
    generator.subschema_for::<ApiProbe>();
    generator.subschema_for::<BrowserJourney>();
    generator.subschema_for::<ImportCheck>();
    generator.subschema_for::<TypeCheck>();
    generator.subschema_for::<Metric>();
    let mut schema = generator.into_root_schema_for::<Spec>().to_value();
    schema["title"] = json!("Otto spec");
    schema["properties"]["v"]["const"] = json!(super::model::VERSION);
    let kinds: Vec<Value> =
        BUILT_IN_KINDS.iter().map(|kind| check_of_kind(&schema["$defs"], kind)).collect();
    schema["$defs"]["Check"]["allOf"] = Value::Array(kinds);
    schema
}

/// "If the kind is this one, then these keys, and no others." The keys of a kind stand beside the
/// common ones, so their schema cannot simply be referred to: it would refuse the common ones.
fn check_of_kind(defs: &Value, kind: &str) -> Value {
    let name: String = kind.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
    let own = &defs[name.as_str()];
    let names: Vec<&str> = properties(&defs["Check"]).chain(properties(own)).collect();
    let mut then = Map::new();
    then.insert("properties".into(), own["properties"].clone());
    if let Some(required) = own.get("required") {
        then.insert("required".into(), required.clone());
    }
    then.insert("propertyNames".into(), json!({ "enum": names }));
    json!({
        "if": { "properties": { "kind": { "const": kind } }, "required": ["kind"] },
        "then": then,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::sample;

    #[test]
    fn the_committed_schema_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/spec.schema.json");
        if std::env::var_os("OTTO_UPDATE").is_some() {
            std::fs::write(path, json_schema_text()).expect("docs/ can be written");
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == json_schema_text(),
            "docs/spec.schema.json differs from the types; refresh it: OTTO_UPDATE=1 cargo test"
        );
    }

    #[test]
    fn every_built_in_kind_has_a_schema() {
        for kind in BUILT_IN_KINDS {
            assert!(of_kind(kind).is_some_and(Value::is_object), "{kind}");
        }
        assert_eq!(of_kind("other"), None);
        assert!(common_check_keys().any(|k| k == "timeout_s"));
    }

    #[test]
    fn the_schema_accepts_a_good_spec_and_refuses_bad_ones() {
        let validator = jsonschema::validator_for(&json_schema()).expect("a valid schema");
        let good = serde_json::to_value(sample::good()).expect("plain data");
        let errors: Vec<String> = validator.iter_errors(&good).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");

        let mut unknown_key = good.clone();
        unknown_key["groups"][0]["depz"] = json!([]);
        assert!(!validator.is_valid(&unknown_key));
        let mut wrong_kind_key = good.clone();
        wrong_kind_key["groups"][0]["checks"][1]["select"] = json!(["tests"]);
        assert!(!validator.is_valid(&wrong_kind_key));
        let mut newer = good;
        newer["v"] = json!(2);
        assert!(!validator.is_valid(&newer));
    }
}
