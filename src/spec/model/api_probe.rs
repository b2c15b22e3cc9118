//! The keys of `api_probe`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::TextExpectation;

/// Requests to a service, in order, and what each must be answered with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiProbe {
    /// The id of the service that is asked.
    pub service: String,
    pub requests: Vec<ApiRequest>,
}

/// One request. `{{name}}` in its texts is what an earlier request saved under that name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiRequest {
    /// Default `GET`.
    #[serde(default = "get", skip_serializing_if = "is_get")]
    pub method: String,
    /// With its query, from `/` on.
    pub path: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body as it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body as JSON; its content type is set.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub json: Option<Value>,
    /// What later requests need of the answer: name → a JSON path (`$.id`), `header:NAME`, or
    /// `body:REGEX`, whose first group it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub save: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "ApiExpectation::is_empty")]
    pub expect: ApiExpectation,
}

/// What an answer must be like; every key that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiExpectation {
    /// Without it, any from 200 to 299. Redirects are not followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Name, in any case → its value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, TextExpectation>,
    #[serde(default, skip_serializing_if = "TextExpectation::is_empty")]
    pub body: TextExpectation,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub json: Vec<JsonExpectation>,
    /// A JSON Schema that the body must fit.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub schema: Option<Value>,
}

/// What is at a place of a JSON document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonExpectation {
    /// A JSON path (RFC 9535), such as `$.items[0].name`.
    pub path: String,
    /// The value at the path; it must be one place.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub equals: Option<Value>,
    /// A regular expression for the text, or the number, at the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// How many places the path finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

impl ApiExpectation {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it looks at more than the status.
    pub fn looks_inside(&self) -> bool {
        let Self { status: _, headers, body, json, schema } = self;
        !headers.is_empty() || !body.is_empty() || !json.is_empty() || schema.is_some()
    }
}

fn get() -> String {
    "GET".to_owned()
}

fn is_get(method: &str) -> bool {
    method == "GET"
}

/// A value that is there, `null` too.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}
