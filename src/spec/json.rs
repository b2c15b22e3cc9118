//! JSON text to a value, with every duplicate key reported. (`serde_json` alone keeps the last of
//! two equal keys and says nothing.)

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::problem::{Problem, item, key};

/// Parses a JSON document. Text that is not JSON is one problem with its line and column; a
/// document with duplicate keys comes with a problem for each, and its value keeps the last.
pub(crate) fn parse(text: &str) -> Result<(Value, Vec<Problem>), Problem> {
    let problems = RefCell::new(Vec::new());
    let mut from = serde_json::Deserializer::from_str(text.trim_start_matches('\u{feff}'));
    let seed = Node { path: String::new(), problems: &problems };
    let value = seed
        .deserialize(&mut from)
        .and_then(|value| from.end().map(|()| value))
        .map_err(|e| Problem::new("", format!("not valid JSON: {e}")).at_line(e.line().max(1)))?;
    Ok((value, problems.into_inner()))
}

struct Node<'a> {
    path: String,
    problems: &'a RefCell<Vec<Problem>>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::from(v))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::from(v))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Number::from_f64(v).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::from(v))
    }
    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        let node = |i| Node { path: item(&self.path, i), problems: self.problems };
        while let Some(value) = seq.next_element_seed(node(out.len()))? {
            out.push(value);
        }
        Ok(Value::Array(out))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let path = key(&self.path, &name);
            let node = Node { path: path.clone(), problems: self.problems };
            let value = map.next_value_seed(node)?;
            if out.insert(name.clone(), value).is_some() {
                let message = format!("key '{name}' is there twice");
                self.problems.borrow_mut().push(Problem::new(path, message));
            }
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_found_at_any_depth() {
        let text = r#"{"a":[{"b":1,"b":2}],"c":null,"a":1.5}"#;
        let (value, problems) = parse(text).expect("valid JSON");
        assert_eq!(value, serde_json::json!({"a": 1.5, "c": null}));
        let paths: Vec<_> = problems.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(paths, ["a[0].b", "a"]);
    }

    #[test]
    fn invalid_text_names_line_and_column() {
        let problem = parse("{\n  \"a\": ,\n}").expect_err("not JSON");
        assert_eq!(problem.line, Some(2));
        assert!(problem.message.contains("line 2 column 8"), "{problem}");
        assert!(parse("{} {}").is_err());
        assert!(parse("").is_err());
    }
}
