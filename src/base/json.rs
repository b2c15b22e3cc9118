//! A JSON value kept as its text: what is only passed on is not taken apart, and a large value
//! costs the bytes of its text, shared by all its copies.

use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Error, Result};

/// One JSON value. Equal when written in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// How `value` is written in a journal.
    pub fn of(value: &impl Serialize) -> Result<Self> {
        let text = serde_json::to_string(value);
        text.map(|t| Self(t.into())).map_err(|e| Error::bug("a value cannot be written").because(e))
    }

    /// The value in parts; null where it cannot be read, which its own type does not allow.
    pub fn value(&self) -> serde_json::Value {
        self.read().unwrap_or_default()
    }

    /// The value as a `T`, where it is one.
    pub fn read<T: DeserializeOwned>(&self) -> std::result::Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }
}

impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        Self(value.to_string().into())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let raw: std::result::Result<&RawValue, _> = serde_json::from_str(&self.0);
        raw.map_err(serde::ser::Error::custom)?.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(from).map_err(D::Error::custom)?;
        Ok(Self(raw.get().into()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn it_is_written_as_it_was_read() {
        let text = r#"{"b":1.50,"a":[ 1, {"c":null} ],"d":"é\u00e9"}"#;
        let of_text: Json = serde_json::from_str(text).expect("json");
        assert_eq!(serde_json::to_string(&of_text).expect("text"), text);
        let inside: Value = of_text.read().expect("a value");
        assert_eq!(inside["a"], json!([1, {"c": null}]));
        let again: Json = serde_json::from_value(inside.clone()).expect("a value");
        assert_eq!(again.read::<Value>().expect("a value"), inside);
        assert_eq!(serde_json::to_value(&again).expect("a value"), inside);
        assert!(serde_json::from_str::<Json>("{\"a\":").is_err());
    }
}
