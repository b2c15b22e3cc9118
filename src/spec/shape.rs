//! Walks a value along the schema: unknown and missing keys, types, ranges, enum values. Where
//! something is wrong it reports, puts a stand-in in its place, and goes on, so that the rules can
//! still run over the rest.

use serde_json::{Map, Value, json};

use super::doubt::Doubt;
use super::problem::{Problem, item, key};
use super::schema::{document, properties};
use crate::base::text::nearest;

/// The result of a walk: what is wrong, and where the stand-ins are.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) problems: Vec<Problem>,
    pub(super) doubt: Doubt,
}

impl Walk {
    /// Checks `value` against `schema` and replaces what does not fit.
    pub(super) fn walk(&mut self, schema: &Value, value: &mut Value, path: &str) {
        let schema = resolve(schema);
        if let Some(one_of) = schema["anyOf"].as_array() {
            if value.is_null() && one_of.iter().any(|s| allows(resolve(s), "null")) {
                return;
            }
            if let Some(inner) = one_of.iter().find(|s| !allows(resolve(s), "null")) {
                self.walk(inner, value, path);
            }
            return;
        }
        if let Some(options) = options(schema) {
            self.option(&options, value, path);
            return;
        }
        let found = type_of(value);
        let fits = allows(schema, found) || found == "integer" && allows(schema, "number");
        if !fits {
            let message = format!("expected {}, found {}", wanted(schema), article(found));
            self.problem(Problem::new(path, message));
            *value = stand_in(schema);
            return;
        }
        match value {
            Value::Object(object) => self.object(schema, object, path),
            Value::Array(items) => {
                for (i, each) in items.iter_mut().enumerate() {
                    self.walk(&schema["items"], each, &item(path, i));
                }
            }
            Value::Number(n) if !in_range(schema, n) => {
                let message = format!("{n} is out of range");
                self.problem(Problem::new(path, message));
                *value = stand_in(schema);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Checks the keys that belong to a check's kind; `common` names the keys beside them.
    pub(super) fn params<'a>(
        &mut self,
        schema: &Value,
        params: &Map<String, Value>,
        common: impl Iterator<Item = &'a str>,
        path: &str,
    ) {
        let mut object = params.clone();
        let common: Vec<&str> = common.collect();
        self.keys(schema, &mut object, &common, path);
    }

    fn object(&mut self, schema: &Value, object: &mut Map<String, Value>, path: &str) {
        self.keys(schema, object, &[], path);
    }

    fn keys(&mut self, schema: &Value, object: &mut Map<String, Value>, also: &[&str], path: &str) {
        let mut meant = Vec::new();
        let rest = &schema["additionalProperties"];
        for (name, value) in object.iter_mut() {
            let at = key(path, name);
            match &schema["properties"][name.as_str()] {
                Value::Null if rest.is_object() => self.walk(rest, value, &at),
                // Keys of the object that the schema leaves open are somebody else's to judge.
                Value::Null if *rest != Value::Bool(false) => {}
                Value::Null => meant.push(name.clone()),
                known => self.walk(known, value, &at),
            }
        }
        let mut guessed = Vec::new();
        for unknown in meant {
            let known = || properties(schema).chain(also.iter().copied());
            let guess = nearest(&unknown, known().filter(|k| !object.contains_key(*k)))
                .or_else(|| nearest(&unknown, known()));
            let mut message = format!("unknown key '{unknown}'");
            match guess {
                Some(guess) => {
                    guessed.push(guess.to_owned());
                    self.doubt.add(key(path, guess));
                }
                None => {
                    message += &format!("; known keys: {}", known().collect::<Vec<_>>().join(", "))
                }
            }
            self.problem(Problem::new(key(path, &unknown), message).nearest(guess));
            object.shift_remove(&unknown);
        }
        for required in schema["required"].as_array().into_iter().flatten() {
            let name = required.as_str().expect("`required` lists names");
            if object.contains_key(name) {
                continue;
            }
            // A misspelt key is one problem, not an unknown and a missing one.
            if !guessed.iter().any(|g| g == name) {
                self.problem(Problem::new(key(path, name), format!("key '{name}' is missing")));
            }
            object.insert(name.to_owned(), stand_in(&schema["properties"][name]));
        }
    }

    fn option(&mut self, options: &[&str], value: &mut Value, path: &str) {
        let expected = format!("expected one of {}", options.join(", "));
        let problem = match value.as_str() {
            Some(given) if options.contains(&given) => return,
            Some(given) => Problem::new(path, format!("unknown value '{given}', {expected}"))
                .nearest(nearest(given, options.iter().copied())),
            None => Problem::new(path, format!("{expected}, found {}", article(type_of(value)))),
        };
        self.problem(problem);
        *value = json!(options[0]);
    }

    fn problem(&mut self, problem: Problem) {
        self.doubt.add(&problem.path);
        self.problems.push(problem);
    }
}

fn resolve(schema: &Value) -> &Value {
    match schema["$ref"].as_str() {
        Some(to) => document()
            .pointer(to.trim_start_matches('#'))
            .expect("the generated schema refers to itself only"),
        None => schema,
    }
}

/// The values of an enum of strings: `enum`, or `oneOf` with a documented `const` each.
fn options(schema: &Value) -> Option<Vec<&str>> {
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(Value::as_str).collect();
    }
    let mut out = Vec::new();
    for each in schema["oneOf"].as_array()? {
        match each["enum"].as_array() {
            Some(values) => out.extend(values.iter().filter_map(Value::as_str)),
            None => out.push(each["const"].as_str()?),
        }
    }
    Some(out)
}

fn allows(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(only) => only == kind,
        Value::Array(several) => several.iter().any(|t| t == kind),
        // No type is any type.
        _ => !schema.is_object() || options(schema).is_none(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn article(kind: &str) -> String {
    match kind {
        "null" => "null".to_owned(),
        "integer" | "array" | "object" => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

fn wanted(schema: &Value) -> String {
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let kinds: Vec<String> = kinds.into_iter().filter(|k| *k != "null").map(article).collect();
    kinds.join(" or ")
}

fn in_range(schema: &Value, n: &serde_json::Number) -> bool {
    let fits = match schema["format"].as_str() {
        Some("uint16") => n.as_u64().is_some_and(|n| u16::try_from(n).is_ok()),
        Some("uint32") => n.as_u64().is_some_and(|n| u32::try_from(n).is_ok()),
        Some("uint64") => n.is_u64(),
        Some("int32") => n.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
        _ => true,
    };
    fits && schema["minimum"].as_f64().is_none_or(|min| n.as_f64().is_some_and(|n| n >= min))
}

/// A value that has the schema's shape and says nothing.
fn stand_in(schema: &Value) -> Value {
    let schema = resolve(schema);
    if let Some(options) = options(schema) {
        return json!(options[0]);
    }
    if allows(schema, "null") {
        return Value::Null;
    }
    match schema["type"].as_str() {
        Some("string") => json!(""),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(false),
        Some("array") => json!([]),
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten();
            required
                .filter_map(Value::as_str)
                .map(|name| (name.to_owned(), stand_in(&schema["properties"][name])))
                .collect()
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(value: Value) -> Vec<String> {
        let mut value = value;
        let mut walk = Walk::default();
        walk.walk(document(), &mut value, "");
        let fits = serde_json::from_value::<crate::spec::Spec>(value);
        assert!(fits.is_ok(), "the stand-ins have the right shape: {fits:?}");
        walk.problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn whatever_is_wrong_is_named_and_replaced() {
        let found = problems(json!({
            "v": -1, "intent": null, "project_kind": "webap", "structure": [],
            "features": [{ "id": 1, "name": "n", "acceptance": "a", "group": "g", "grp": 1 }, 3],
            "groups": {}, "contracts": [{ "path": "p", "rule": "exakt", "probes": [{}] }],
            "amendments": [],
        }));
        let paths: Vec<&str> = found.iter().map(|p| p.split(": ").next().unwrap()).collect();
        assert_eq!(
            paths,
            [
                "v",
                "intent",
                "project_kind",
                "structure",
                "features[0].id",
                "features[0].acceptance",
                "features[0].grp",
                "features[1]",
                "groups",
                "contracts[0].rule",
                "contracts[0].probes[0].id",
                "contracts[0].probes[0].kind",
                "intent_sha256",
            ]
        );
        assert!(found[2].ends_with("(did you mean 'webapp'?)"), "{}", found[2]);
        assert_eq!(found[3], "structure: expected an object, found an array");
    }

    #[test]
    fn a_document_that_is_no_object_is_one_problem() {
        assert_eq!(problems(json!([])), ["expected an object, found an array"]);
    }

    #[test]
    fn a_misspelt_key_is_one_problem() {
        let good = crate::spec::sample::good();
        let mut value = serde_json::to_value(&good).unwrap();
        let group = value["groups"][0].as_object_mut().unwrap();
        let title = group.shift_remove("title").unwrap();
        group.insert("tilte".into(), title);
        let wanted = "groups[0].tilte: unknown key 'tilte' (did you mean 'title'?)";
        assert_eq!(problems(value), [wanted]);
    }
}
