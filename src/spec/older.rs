//! The older format: `slices` where `groups` stands now. It is read, with a warning, and never
//! written.

use serde_json::{Map, Value, json};

use crate::base::Sha256;

/// Renames what the older format called otherwise. Returns one warning for each kind of change;
/// none for a document of today's format.
pub(super) fn modernise(document: &mut Value) -> Vec<String> {
    let Some(object) = document.as_object_mut() else { return Vec::new() };
    let mut warnings = Vec::new();
    let mut rename = |object: &mut Map<String, Value>, from: &str, to: &str| {
        // With both names there it stays: the parser then reports the unknown one.
        if object.contains_key(from) && !object.contains_key(to) {
            let value = object.shift_remove(from).expect("the key is there");
            object.insert(to.to_owned(), value);
            let warning = format!("older format: '{from}' is read as '{to}'");
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
            return true;
        }
        false
    };
    let slices = rename(object, "slices", "groups");
    let cross = rename(object, "cross_slice_checks", "cross_group_checks");
    if !slices && !cross {
        return warnings;
    }
    for feature in object.get_mut("features").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(feature) = feature.as_object_mut() {
            rename(feature, "slice", "group");
        }
    }
    if !object.contains_key("v") {
        object.insert("v".to_owned(), json!(super::model::VERSION));
        warnings.push("older format: 'v' is missing and taken as 1".to_owned());
    }
    if !object.contains_key("intent_sha256")
        && let Some(intent) = object.get("intent").and_then(Value::as_str)
    {
        let hash = Sha256::of(intent.as_bytes()).to_string();
        object.insert("intent_sha256".to_owned(), json!(hash));
        warnings.push("older format: 'intent_sha256' is missing and computed".to_owned());
    }
    warnings
}
