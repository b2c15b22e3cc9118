//! A spec that is in a file already.

use std::path::Path;

use serde_json::Value;

use super::answer::spec_from;
use crate::base::Result;
use crate::disk;
use crate::spec::{Parsed, Problem};

/// Reads a spec file for `--from-spec`; all problems at once, 65, nothing written. The intent is the
/// one that was asked for, else the file's own.
pub fn read_spec_file(path: &Path, intent: Option<&str>) -> Result<Parsed> {
    read_spec(&disk::read_text(path)?, path, intent)
}

/// [`read_spec_file`] of a text; `path` is for messages.
pub fn read_spec(text: &str, path: &Path, intent: Option<&str>) -> Result<Parsed> {
    let refuse = |problems: Vec<Problem>| Problem::error(&path.display().to_string(), &problems);
    let value = serde_json::from_str::<Value>(text).ok();
    let own = value.as_ref().and_then(|v| v.get("intent")?.as_str()).map(str::to_owned);
    match (value, intent.map(str::to_owned).or(own)) {
        (Some(value), Some(intent)) => spec_from(value, &intent).map_err(refuse),
        // The parser says where the JSON is broken, or that there is no intent.
        (_, _) => crate::spec::parse(text).map_err(refuse),
    }
}

/// Judges a spec file as `--from-spec` would; the intent may still be missing.
pub fn check_spec_file(path: &Path) -> Result<Parsed> {
    let text = disk::read_text(path)?;
    let named = serde_json::from_str::<Value>(&text).is_ok_and(|v| v.get("intent").is_some());
    read_spec_file(path, if named { None } else { Some("(given when it is compiled)") })
}
